#include "attention.h"

#include "packing.h"

namespace glueharness {

// out [d, w] = in [n, d] transposed, zeros in the columns past n
static void transpose_padded(int n, int d, Strided<const float> in, float* out) {
  const int padded = round_up(n, kWidth), whole = n / kWidth * kWidth;
  if (whole) transpose(whole, d, {words(in.data), in.stride}, {words(out), (size_t)padded});
  for (int j = 0; j < d; j++)
    for (int i = whole; i < padded; i++)
      out[(size_t)j * padded + i] = i < n ? in.data[i * in.stride + j] : 0.f;
}

// Scores [q, w] become probabilities in place (past n: zero), and with a mask, what dropout leaves
// of them goes to dropped.
static void softmax(const Head& head, float* scores, float* dropped) {
  const int n = head.tokens, padded = head.padded();
  for (int i = 0; i < head.queries; i++) {
    float* row = scores + (size_t)i * padded;
    float top = row[0];
    int j = 0;
    if (n >= kWidth) {
      Vec tops = load(row);
      for (j = kWidth; j + kWidth <= n; j += kWidth) tops = larger(tops, load(row + j));
      top = largest(tops);
    }
    for (; j < n; j++) top = top < row[j] ? row[j] : top;
    Vec total = zero();
    for (j = 0; j < padded; j += kWidth) {
      Vec e = keep_first(n - j, exp((load(row + j) - top) * head.scale));
      total = total + e;
      store(row + j, e);
    }
    const float inverse = 1.f / sum(total);
    for (j = 0; j < padded; j += kWidth) {
      Vec p = load(row + j) * inverse;
      store(row + j, p);
      if (head.mask) {
        const size_t at = (size_t)i * padded + j;
        store(dropped + at, keep(head.mask[at / kWidth], p) * head.keep_scale);
      }
    }
  }
}

void attend(const Head& head, float* probabilities, float* scratch, Strided<float> out) {
  const int n = head.tokens, d = head.width, q = head.queries;
  const size_t padded = head.padded();
  float *keys = scratch, *dropped = keys + d * padded;
  transpose_padded(n, d, {head.key_value.data, head.key_value.stride}, keys);
  multiply<false>(q, (int)padded, d, {head.query.data, head.query.stride}, {keys, padded},
                  {probabilities, padded});
  softmax(head, probabilities, dropped);
  multiply<false>(q, d, n, {head.mask ? dropped : probabilities, padded},
                  {head.value, head.key_value.stride}, out);
}

void attend_backward(const Head& head, const float* probabilities, float* scratch,
                     Strided<const float> dout) {
  const int n = head.tokens, d = head.width, q = head.queries;
  const size_t padded = head.padded(), stride = head.key_value.stride;
  float *values = scratch, *dscores = values + d * padded, *dropped = dscores + q * padded;
  float* dquery = dropped + q * padded;
  transpose_padded(n, d, {head.value, stride}, values);
  multiply<false>(q, (int)padded, d, dout, {values, padded}, {dscores, padded});
  for (int i = 0; i < q; i++) {
    const size_t row = (size_t)i * padded;
    Vec along = zero();
    for (size_t j = row; j < row + padded; j += kWidth) {
      Vec p = load(probabilities + j);
      if (head.mask) p = keep(head.mask[j / kWidth], p) * head.keep_scale;
      Vec e = load(dscores + j) * p;
      store(dropped + j, p);
      store(dscores + j, e);
      along = along + e;
    }
    const float total = sum(along);
    for (size_t j = row; j < row + padded; j += kWidth)
      store(dscores + j,
            fma(load(probabilities + j), all(-total), load(dscores + j)) * head.scale);
  }
  multiply<true>(n, d, q, {dropped, padded}, dout, {head.value, stride});
  multiply<false>(q, d, n, {dscores, padded}, {head.key_value.data, stride},
                  {dquery, (size_t)d});
  multiply<true>(n, d, q, {dscores, padded}, {head.query.data, head.query.stride},
                 {head.key_value.data, stride});
  for (int i = 0; i < q; i++)
    memcpy(head.query.data + i * head.query.stride, dquery + (size_t)i * d, d * sizeof(float));
}

}  // namespace glueharness
