// Attention of one head over one sequence: softmax(Q K^T / sqrt(d)) V.
//
// Shapes: n = tokens of the sequence, q = queries (n, or 1 in the last layer), d = width of a head,
// w = n rounded up to 16: rows of scores are padded with zeros to that.
#pragma once
#include "matrix_product.h"

namespace glueharness {

struct Head {
  int queries, tokens, width;
  Strided<float> query;      // [q, d]
  Strided<float> key_value;  // [n, d]: the keys
  float* value;              // [n, d]: the values, with the stride of the keys
  float scale;               // 1 / sqrt(d)
  const uint16_t* mask;      // dropout of the probabilities, [q, w] bits; null: none
  float keep_scale;          // what kept probabilities are multiplied with
  int padded() const { return round_up(tokens, kWidth); }
};
// Floats of scratch that a head may need.
constexpr size_t head_scratch(int queries, int tokens, int width) {
  const size_t padded = round_up(tokens, kWidth);
  return padded * width + 2 * queries * padded + (size_t)queries * width;
}

// out [q, d] = attention; probabilities [q, w] are kept as they are before dropout.
void attend(const Head& head, float* probabilities, float* scratch, Strided<float> out);

// From dout [q, d]: the gradients of queries, keys and values take their places.
void attend_backward(const Head& head, const float* probabilities, float* scratch,
                     Strided<const float> dout);

}  // namespace glueharness
