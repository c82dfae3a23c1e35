// How weights and activations are laid out for the matrix products.
//
// A packed matrix B [depth, columns] is stored in panels of kPanel columns: panel p holds, row after
// row, the columns kPanel p to kPanel p + kPanel - 1. A tile then reads it from front to back.
#pragma once
#include "matrix_product.h"

namespace glueharness {

// Transposes 16 x 16 words in registers by swapping halves: 8 x 8 blocks, then 4 x 4, 2 x 2, 1 x 1.
typedef uint32_t Words16 __attribute__((vector_size(64), aligned(4), may_alias));
template <int kHalf>
INLINE void swap_halves(Words16 rows[16]) {
  typedef int32_t Order __attribute__((vector_size(64)));
  Order first, second;
  for (int i = 0; i < 16; i++) {
    const bool from_other = i & kHalf;
    first[i] = from_other ? 16 + i - kHalf : i;
    second[i] = from_other ? 16 + i : i + kHalf;
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++)
    if (!(i & kHalf)) {
      Words16 a = rows[i], b = rows[i + kHalf];
      rows[i] = __builtin_shuffle(a, b, first);
      rows[i + kHalf] = __builtin_shuffle(a, b, second);
    }
}

// out [columns, rows] = in [rows, columns] transposed; rows are a multiple of 16. Words of 4 bytes.
static void transpose(int rows, int columns, Strided<const uint32_t> in, Strided<uint32_t> out) {
  assert(rows % 16 == 0);
  for (int i = 0; i < rows; i += 16) {
    int j = 0;
    for (; j + 16 <= columns; j += 16) {
      Words16 r[16];
#pragma GCC unroll 16
      for (int k = 0; k < 16; k++)
        r[k] = *reinterpret_cast<const Words16*>(in.data + (i + k) * in.stride + j);
      swap_halves<8>(r);
      swap_halves<4>(r);
      swap_halves<2>(r);
      swap_halves<1>(r);
#pragma GCC unroll 16
      for (int k = 0; k < 16; k++)
        *reinterpret_cast<Words16*>(out.data + (j + k) * out.stride + i) = r[k];
    }
    for (; j < columns; j++)
      for (int k = 0; k < 16; k++)
        out.data[j * out.stride + i + k] = in.data[(i + k) * in.stride + j];
  }
}
INLINE const uint32_t* words(const float* from) { return reinterpret_cast<const uint32_t*>(from); }
INLINE uint32_t* words(float* from) { return reinterpret_cast<uint32_t*>(from); }

// For y = x W^T: of weight [outputs, inputs], the panels that hold the outputs first to end - 1.
static void pack_forward(int outputs, int inputs, const float* weight, float* out, int first,
                         int end) {
  for (int n = first; n < end; n += kPanel)
    transpose(std::min(kPanel, outputs - n), inputs,
              {words(weight + (size_t)n * inputs), (size_t)inputs},
              {words(out + (size_t)n * inputs), kPanel});
}
// For dx = dy W: the panels that hold the inputs first to end - 1.
static void pack_backward(int outputs, int inputs, const float* weight, float* out, int first,
                          int end) {
  for (int k = first; k < end; k += kPanel) {
    const int width = std::min(kPanel, inputs - k);
    for (int n = 0; n < outputs; n++)
      memcpy(out + (size_t)k * outputs + (size_t)n * kPanel, weight + (size_t)n * inputs + k,
             width * sizeof(float));
  }
}

#ifdef __AVX512BF16__
// Pairs (k, k + 1) along each row: bfloat16 in the order that the floats have. `count` is even, and
// a multiple of 16.
static void pairs_along_rows(size_t count, const float* in, Pair* out) {
  for (size_t i = 0; i < count; i += 32) {
    const bool whole = i + 16 < count;
    __m512 low = _mm512_loadu_ps(in + i);
    __m512 high = whole ? _mm512_loadu_ps(in + i + 16) : _mm512_setzero_ps();
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
    if (whole)
      _mm512_storeu_si512(out + i / 2, both);
    else
      _mm256_storeu_si256((__m256i*)(out + i / 2), _mm512_castsi512_si256(both));
  }
}
// out [ceil(rows / 2), columns]: pairs of neighbouring rows; a last row without a neighbour gets
// zeros.
static void pairs_along_columns(int rows, int columns, Strided<const float> in,
                                Strided<Pair> out) {
  alignas(64) static const uint16_t order[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                 21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const __m512i interleave = _mm512_load_si512(order);
  for (int r = 0; r < rows; r += 2)
    for (int c = 0; c < columns; c += 16) {
      const float* at = in.data + r * in.stride + c;
      __m512 first = _mm512_loadu_ps(at);
      __m512 second = r + 1 < rows ? _mm512_loadu_ps(at + in.stride) : _mm512_setzero_ps();
      __m512i both = (__m512i)_mm512_cvtne2ps_pbh(second, first);
      _mm512_storeu_si512(out.data + r / 2 * out.stride + c,
                          _mm512_permutexvar_epi16(interleave, both));
    }
}
static void pack_forward(int outputs, int inputs, const float* weight, Pair* out, int first,
                         int end) {
  Pair block[16 * 256];  // 16 rows by 256 pairs
  for (int n = first; n < end; n += kPanel)
    for (int k = 0; k < inputs; k += 512) {
      const int depth = std::min(512, inputs - k) / 2, width = std::min(kPanel, outputs - n);
      for (int row = 0; row < width; row += 16) {
        for (int i = 0; i < 16; i++)
          pairs_along_rows(2 * depth, weight + (size_t)(n + row + i) * inputs + k,
                           block + i * depth);
        transpose(16, depth, {block, (size_t)depth},
                  {out + (size_t)n * (inputs / 2) + (size_t)(k / 2) * kPanel + row, kPanel});
      }
    }
}
static void pack_backward(int outputs, int inputs, const float* weight, Pair* out, int first,
                          int end) {
  for (int k = first; k < end; k += kPanel)
    pairs_along_columns(outputs, std::min(kPanel, inputs - k), {weight + k, (size_t)inputs},
                        {out + (size_t)k * (outputs / 2), kPanel});
}
#endif

}  // namespace glueharness
