// Matrix products C = A B, the place where most of the time goes.
//
// C is computed in tiles that stay in registers. Each element of C is one chain of fused
// multiply-adds in the order of the summed index, whatever the tile it lies in: so a row's result
// does not depend on how many rows there are, or how they are split.
//
// An operand is float, or Pair: two bfloat16 numbers that are neighbours along the summed index.
#pragma once
#include <algorithm>
#include <cassert>

#include "vector.h"

namespace glueharness {

typedef uint32_t Pair;

#ifdef __AVX512F__
constexpr int kPanel = 64;  // a tile is 6 x 64: 24 of the 32 registers hold it
#else
constexpr int kPanel = 16;  // a tile is 6 x 16: 12 of AVX2's 16 registers, 24 of NEON's 32
#endif
constexpr int kTileRows = 6;
constexpr int kDepth = 512;  // how much is summed before a tile goes back to memory

INLINE Lanes load_operand(const float* from) { return *reinterpret_cast<const Lanes*>(from); }
INLINE Lanes multiply_add(Lanes c, const float* a, Lanes b) { return fma(all_lanes(*a), b, c); }
#ifdef __AVX512BF16__
INLINE __m512i load_operand(const Pair* from) { return _mm512_loadu_si512(from); }
INLINE Lanes multiply_add(Lanes c, const Pair* a, __m512i b) {
  return (Lanes)_mm512_dpbf16_ps((__m512)c, (__m512bh)_mm512_set1_epi32((int)*a), (__m512bh)b);
}
#endif

// Where the operands and the result lie; strides are in elements.
template <class T>
struct Operands {
  const T* a;
  size_t a_stride;
  const T* b;
  size_t b_stride;
  float* c;
  size_t c_stride;
  const float* bias;  // one row to begin with; null: zeros
  bool add;           // begin with what is in C
};

// One tile. A is stored as rows [m, k], or by columns [k, m] if kByColumn.
template <int kRows, int kVectors, bool kByColumn, class T>
static void tile(int depth, const Operands<T>& o) {
  Lanes c[kRows][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; i++)
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; j++)
      c[i][j] = o.add    ? load_operand(o.c + i * o.c_stride + kLanes * j)
                : o.bias ? load_operand(o.bias + kLanes * j)
                         : Lanes{};
  const T *a = o.a, *b = o.b;
  for (int k = 0; k < depth; k++) {
    decltype(load_operand(b)) row[kVectors];
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; j++) row[j] = load_operand(b + k * o.b_stride + kLanes * j);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; i++)
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; j++)
        c[i][j] = multiply_add(
            c[i][j], kByColumn ? a + k * o.a_stride + i : a + i * o.a_stride + k, row[j]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; i++)
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; j++)
      *reinterpret_cast<Lanes*>(o.c + i * o.c_stride + kLanes * j) = c[i][j];
}

// All the rows of one panel of columns.
template <int kVectors, bool kByColumn, class T>
static void panel(int rows, int depth, Operands<T> o) {
  const size_t a_step = kByColumn ? 1 : o.a_stride;
  for (; rows >= kTileRows; rows -= kTileRows) {
    tile<kTileRows, kVectors, kByColumn>(depth, o);
    o.a += kTileRows * a_step;
    o.c += kTileRows * o.c_stride;
  }
  switch (rows) {
    case 5: return tile<5, kVectors, kByColumn>(depth, o);
    case 4: return tile<4, kVectors, kByColumn>(depth, o);
    case 3: return tile<3, kVectors, kByColumn>(depth, o);
    case 2: return tile<2, kVectors, kByColumn>(depth, o);
    case 1: return tile<1, kVectors, kByColumn>(depth, o);
  }
}

// C [rows, columns] = A [rows, depth] B [depth, columns]; columns are a multiple of 16. The panels
// of B lie panel_stride apart. For pairs, depth counts pairs.
template <bool kByColumn, class T>
static void product(int rows, int columns, int depth, size_t panel_stride, const Operands<T>& o) {
  assert(columns % kWidth == 0 && depth >= 0);
  for (int k = 0; k < depth || k == 0; k += kDepth) {
    for (int n = 0; n < columns; n += kPanel) {
      Operands<T> part = o;
      part.a += kByColumn ? k * o.a_stride : (size_t)k;
      part.b += n / kPanel * panel_stride + k * o.b_stride;
      part.c += n;
      part.bias = o.bias && k == 0 ? o.bias + n : nullptr;
      part.add = o.add || k > 0;
      const int some = std::min(kDepth, depth - k);
#ifdef __AVX512F__
      switch (std::min(kPanel, columns - n) / kWidth) {
        case 4: panel<4, kByColumn>(rows, some, part); break;
        case 3: panel<3, kByColumn>(rows, some, part); break;
        case 2: panel<2, kByColumn>(rows, some, part); break;
        default: panel<1, kByColumn>(rows, some, part);
      }
#else
      panel<kPanel / kLanes, kByColumn>(rows, some, part);
#endif
    }
  }
}

// A matrix as it lies in memory.
template <class T>
struct Strided {
  T* data;
  size_t stride;
};

// C = A B, or A^T B if kByColumn, with B as it lies: for the products inside of attention.
template <bool kByColumn>
static void multiply(int rows, int columns, int depth, Strided<const float> a,
                     Strided<const float> b, Strided<float> c) {
  product<kByColumn, float>(rows, columns, depth, kPanel,
                            {a.data, a.stride, b.data, b.stride, c.data, c.stride, nullptr, false});
}

// C [rows, columns] (+)= A B + bias, with B packed into panels (packing.h).
template <class T>
static void multiply_packed(int rows, int columns, int depth, const T* a, const T* packed, float* c,
                            const float* bias, bool add) {
  product<false, T>(rows, columns, depth, (size_t)depth * kPanel,
                    {a, (size_t)depth, packed, kPanel, c, (size_t)columns, bias, add});
}

}  // namespace glueharness
