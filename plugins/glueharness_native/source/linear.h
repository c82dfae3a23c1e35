// A linear layer y = x W^T + b, with its weights packed for both directions.
#pragma once
#include <memory>

#include "arena.h"
#include "matrix_product.h"

namespace glueharness {

class Linear {
 public:
  Linear(int outputs, int inputs, size_t weight, size_t bias, bool bf16);

  const int outputs, inputs;  // multiples of 16
  const size_t weight, bias;  // where they lie in the flat array of parameters

  // What the weight's gradient needs of the chunk's rows: the inputs x [rows, inputs] and the
  // outputs' gradients dy [rows, outputs]. With bfloat16, pairs of rows.
  float *x = nullptr, *dy = nullptr;
  Pair *x16 = nullptr, *dy16 = nullptr;
  int rows = 0;

  // Packs a part of the weights; columns from `first` on of what is packed, multiples of kPanel.
  void pack_forward_part(const float* parameters, int first, int end);
  void pack_backward_part(const float* parameters, int first, int end);

  // y = x W^T + b for some rows. If `kept_row` is not negative, the rows are kept there for the
  // gradient: with float32 they must lie there already.
  void forward(const float* parameters, int rows, int kept_row, const float* x, float* y,
               Arena& scratch) const;
  // dx (+)= dy W, and dy is kept likewise.
  void backward(int rows, int kept_row, const float* dy, float* dx, bool add,
                Arena& scratch) const;
  // The outputs first to end - 1 of the gradients of weight and bias, over all kept rows.
  void gradient_part(float* gradients, int first, int end, bool add) const;

  // Floats of scratch that `rows` rows need.
  size_t scratch_bytes(int rows) const;

 private:
  const bool bf16_;
  std::unique_ptr<float[]> forward_, backward_;
  std::unique_ptr<Pair[]> forward16_, backward16_;
};

}  // namespace glueharness
