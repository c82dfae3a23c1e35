// What is done row by row: layer normalisation, dropout, residuals, GELU. Rows are [rows, h] with h
// a multiple of 16; masks hold one bit an element.
#pragma once
#include "vector.h"

namespace glueharness {

// One row of layer normalisation: out = centred * gain + bias, where centred = (x - mean) / deviation
// is kept for the backward pass together with 1 / deviation, unless they are null.
struct NormParameters {
  const float *gain, *bias;
  float epsilon;
};
INLINE void normalise(int h, const float* x, const NormParameters& norm, float* centred,
                      float* inverse_deviation, float* out) {
  Vec total = zero(), squares = zero();
  for (int j = 0; j < h; j += kWidth) total = total + load(x + j);
  const float mean = sum(total) / (float)h;
  for (int j = 0; j < h; j += kWidth) {
    Vec d = load(x + j) - mean;
    squares = fma(d, d, squares);
  }
  const float inverse = 1.f / std::sqrt(sum(squares) / (float)h + norm.epsilon);
  for (int j = 0; j < h; j += kWidth) {
    Vec d = (load(x + j) - mean) * inverse;
    if (centred) store(centred + j, d);
    store(out + j, fma(d, load(norm.gain + j), load(norm.bias + j)));
  }
  if (inverse_deviation) *inverse_deviation = inverse;
}

// out = norm(dropout(x) + residual); x is overwritten. mask, centred and inverse_deviation may be
// null.
struct KeptByNorm {
  float *centred, *inverse_deviation;
};
static __attribute__((noinline)) void drop_add_normalise(int rows, int h, float* x,
                                                         const uint16_t* mask, float scale,
                                                         const float* residual,
                                                         const NormParameters& norm,
                                                         const KeptByNorm& kept, float* out) {
  for (int r = 0; r < rows; r++) {
    const size_t at = (size_t)r * h;
    for (int j = 0; j < h; j += kWidth) {
      Vec v = load(x + at + j);
      if (mask) v = keep(mask[(at + j) / kWidth], v) * scale;
      store(x + at + j, v + load(residual + at + j));
    }
    normalise(h, x + at, norm, kept.centred ? kept.centred + at : nullptr,
              kept.inverse_deviation ? kept.inverse_deviation + r : nullptr, out + at);
  }
}

// From dy, the gradient at a norm's output: dx at its input (which the residual gets), and the same
// through the dropout mask into dropped (null: not wanted), which may lie where centred lies. The
// gradients of gain and bias are added to dgain and dbias.
struct NormGradients {
  float *dgain, *dbias;
};
static __attribute__((noinline)) void normalise_backward(int rows, int h, const float* dy,
                                                         const KeptByNorm& kept, const float* gain,
                                                         const NormGradients& gradients, float* dx,
                                                         const uint16_t* mask, float scale,
                                                         float* dropped) {
  for (int r = 0; r < rows; r++) {
    const size_t at = (size_t)r * h;
    const float *d = dy + at, *centred = kept.centred + at;
    Vec total = zero(), along = zero();
    for (int j = 0; j < h; j += kWidth) {
      Vec dj = load(d + j), c = load(centred + j), e = dj * load(gain + j);
      store(gradients.dbias + j, load(gradients.dbias + j) + dj);
      store(gradients.dgain + j, fma(dj, c, load(gradients.dgain + j)));
      total = total + e;
      along = fma(e, c, along);
    }
    const float mean = sum(total) / (float)h, slope = sum(along) / (float)h;
    const float inverse = kept.inverse_deviation[r];
    for (int j = 0; j < h; j += kWidth) {
      Vec v = fma(load(centred + j), all(-slope), fma(load(d + j), load(gain + j), all(-mean)));
      v = v * inverse;
      store(dx + at + j, v);
      if (dropped) store(dropped + at + j, mask ? keep(mask[(at + j) / kWidth], v) * scale : v);
    }
  }
}

static __attribute__((noinline)) void drop_in_place(size_t count, float* x, const uint16_t* mask,
                                                    float scale) {
  for (size_t i = 0; i < count; i += kWidth) store(x + i, keep(mask[i / kWidth], load(x + i)) * scale);
}

// out = GELU(x) = x * cdf(x), and its slope cdf(x) + x * density(x), which is all that the backward
// pass needs (null: not wanted).
static __attribute__((noinline)) void gelu(size_t count, const float* x, float* out, float* slope) {
  for (size_t i = 0; i < count; i += kWidth) {
    Vec v = load(x + i), cdf = fma(erf(v * 0.70710678f), all(0.5f), all(0.5f));
    store(out + i, v * cdf);
    if (slope) store(slope + i, fma(v * 0.39894228f, exp(v * v * -0.5f), cdf));
  }
}

// x = x * by
static __attribute__((noinline)) void multiply_in_place(size_t count, float* x, const float* by) {
  for (size_t i = 0; i < count; i += kWidth) store(x + i, load(x + i) * load(by + i));
}
static void add_to(size_t count, float* x, const float* more) {
  for (size_t i = 0; i < count; i += kWidth) store(x + i, load(x + i) + load(more + i));
}

// In single precision within 2,048 elements, in double across them.
static double sum_of_squares(const float* x, size_t count) {
  double total = 0;
  for (size_t i = 0; i < count; i += 2048) {
    const size_t end = i + 2048 < count ? i + 2048 : count;
    Vec squares = zero();
    size_t j = i;
    for (; j + kWidth <= end; j += kWidth) {
      Vec v = load(x + j);
      squares = fma(v, v, squares);
    }
    total += sum(squares);
    for (; j < end; j++) total += (double)x[j] * x[j];
  }
  return total;
}

}  // namespace glueharness
