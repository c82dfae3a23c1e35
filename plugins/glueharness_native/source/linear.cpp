#include "linear.h"

#include "packing.h"

namespace glueharness {

namespace {

constexpr int kRowsAtOnce = 256;  // of x and dy, when a weight's gradient is summed

INLINE Vec add_column(Vec sum, const float* from) { return sum + load(from); }
#ifdef __AVX512BF16__
INLINE Vec add_column(Vec sum, const Pair* from) {
  const __m512i ones = _mm512_set1_epi32(0x3f803f80);  // two ones in bfloat16
  return {{(Lanes)_mm512_dpbf16_ps((__m512)sum.part[0], (__m512bh)_mm512_loadu_si512(from),
                                   (__m512bh)ones)}};
}
#endif

// d weight [first..end, inputs] (+)= dy^T x, d bias likewise; x and dy as they lie. T is Pair where
// each "row" is two.
template <class T>
void weight_gradient(const Linear& l, int rows, const T* dy, const T* x, float* gradients, int first,
                     int end, bool add) {
  for (int c = first; c < end; c += 3 * kWidth) {  // three chains of additions at once
    const int some = std::min(3, (end - c) / kWidth);
    Vec sums[3];
    for (int i = 0; i < some; i++) sums[i] = add ? load(gradients + l.bias + c + kWidth * i) : zero();
    for (int r = 0; r < rows; r++)
      for (int i = 0; i < some; i++)
        sums[i] = add_column(sums[i], dy + (size_t)r * l.outputs + c + kWidth * i);
    for (int i = 0; i < some; i++) store(gradients + l.bias + c + kWidth * i, sums[i]);
  }
  for (int r = 0; r < rows || r == 0; r += kRowsAtOnce) {
    const size_t in = l.inputs, out = l.outputs;
    product<true, T>(end - first, l.inputs, std::min(kRowsAtOnce, rows - r), kPanel,
                     {dy + r * out + first, out, x + r * in, in, gradients + l.weight + first * in,
                      in, nullptr, add || r > 0});
  }
}

}  // namespace

Linear::Linear(int outputs, int inputs, size_t weight, size_t bias, bool bf16)
    : outputs(outputs), inputs(inputs), weight(weight), bias(bias), bf16_(bf16) {
  const size_t forward = (size_t)round_up(outputs, kPanel) * inputs;
  const size_t backward = (size_t)round_up(inputs, kPanel) * outputs;
  if (bf16) {
    forward16_.reset(new Pair[forward / 2]());
    backward16_.reset(new Pair[backward / 2]());
  } else {
    forward_.reset(new float[forward]());
    backward_.reset(new float[backward]());
  }
}

void Linear::pack_forward_part(const float* parameters, int first, int end) {
#ifdef __AVX512BF16__
  if (bf16_) return pack_forward(outputs, inputs, parameters + weight, forward16_.get(), first, end);
#endif
  pack_forward(outputs, inputs, parameters + weight, forward_.get(), first, end);
}

void Linear::pack_backward_part(const float* parameters, int first, int end) {
#ifdef __AVX512BF16__
  if (bf16_)
    return pack_backward(outputs, inputs, parameters + weight, backward16_.get(), first, end);
#endif
  pack_backward(outputs, inputs, parameters + weight, backward_.get(), first, end);
}

size_t Linear::scratch_bytes(int rows) const {
  return bf16_ ? Arena::bytes_for<Pair>((size_t)rows * std::max(inputs, outputs) / 2) : 0;
}

void Linear::forward(const float* parameters, int rows, int kept_row, const float* in, float* out,
                     Arena& scratch) const {
#ifdef __AVX512BF16__
  if (bf16_) {
    const size_t mark = scratch.mark();
    Pair* a = scratch.take<Pair>((size_t)rows * inputs / 2);
    pairs_along_rows((size_t)rows * inputs, in, a);
    if (kept_row >= 0)
      pairs_along_columns(rows, inputs, {in, (size_t)inputs},
                          {x16 + (size_t)kept_row / 2 * inputs, (size_t)inputs});
    multiply_packed(rows, outputs, inputs / 2, a, forward16_.get(), out, parameters + bias, false);
    return scratch.release(mark);
  }
#endif
  (void)scratch;
  assert(kept_row < 0 || in == x + (size_t)kept_row * inputs);
  multiply_packed(rows, outputs, inputs, in, forward_.get(), out, parameters + bias, false);
}

void Linear::backward(int rows, int kept_row, const float* out, float* in, bool add,
                      Arena& scratch) const {
#ifdef __AVX512BF16__
  if (bf16_) {
    const size_t mark = scratch.mark();
    Pair* a = scratch.take<Pair>((size_t)rows * outputs / 2);
    pairs_along_rows((size_t)rows * outputs, out, a);
    pairs_along_columns(rows, outputs, {out, (size_t)outputs},
                        {dy16 + (size_t)kept_row / 2 * outputs, (size_t)outputs});
    multiply_packed(rows, inputs, outputs / 2, a, backward16_.get(), in, nullptr, add);
    return scratch.release(mark);
  }
#endif
  (void)scratch;
  assert(out == dy + (size_t)kept_row * outputs);
  multiply_packed(rows, inputs, outputs, out, backward_.get(), in, nullptr, add);
}

void Linear::gradient_part(float* gradients, int first, int end, bool add) const {
#ifdef __AVX512BF16__
  if (bf16_) return weight_gradient(*this, rows / 2, dy16, x16, gradients, first, end, add);
#endif
  weight_gradient(*this, rows, dy, x, gradients, first, end, add);
}

}  // namespace glueharness
