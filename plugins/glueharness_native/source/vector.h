// Vectors of 16 floats, whatever the processor: one register with AVX-512, two with AVX2, four with
// NEON.
//
// Every instruction set does the same operations in the same order, with fused multiply-adds only
// where the source says fma (the build forbids the compiler to make its own): so the results have
// the same bits. A NaN stays a NaN through every function here, so that a training that has
// diverged is seen.
#pragma once
#ifdef __aarch64__
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define INLINE static inline __attribute__((always_inline))

namespace glueharness {

constexpr int kWidth = 16;
#ifdef __AVX512F__
constexpr int kLanes = 16;
#elif defined(__aarch64__)
constexpr int kLanes = 4;
#else
constexpr int kLanes = 8;
#endif
constexpr int kParts = kWidth / kLanes;

// One register. Loads and stores need no alignment.
typedef float Lanes __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
typedef int32_t IntLanes __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
typedef uint32_t WordLanes __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

struct Vec {
  Lanes part[kParts];
};

template <class F>
INLINE Vec for_parts(F compute) {
  Vec out;
#pragma GCC unroll 4
  for (int p = 0; p < kParts; p++) out.part[p] = compute(p);
  return out;
}

INLINE Lanes all_lanes(float x) { return Lanes{} + x; }
INLINE Vec all(float x) {
  return for_parts([&](int) { return all_lanes(x); });
}
INLINE Vec zero() { return all(0.f); }
INLINE Vec load(const float* from) {
  return for_parts([&](int p) { return *reinterpret_cast<const Lanes*>(from + p * kLanes); });
}
INLINE void store(float* to, Vec v) {
#pragma GCC unroll 4
  for (int p = 0; p < kParts; p++) *reinterpret_cast<Lanes*>(to + p * kLanes) = v.part[p];
}
INLINE Vec operator+(Vec a, Vec b) {
  return for_parts([&](int p) { return a.part[p] + b.part[p]; });
}
INLINE Vec operator-(Vec a, Vec b) {
  return for_parts([&](int p) { return a.part[p] - b.part[p]; });
}
INLINE Vec operator*(Vec a, Vec b) {
  return for_parts([&](int p) { return a.part[p] * b.part[p]; });
}
INLINE Vec operator/(Vec a, Vec b) {
  return for_parts([&](int p) { return a.part[p] / b.part[p]; });
}
INLINE Vec operator+(Vec a, float b) { return a + all(b); }
INLINE Vec operator-(Vec a, float b) { return a - all(b); }
INLINE Vec operator*(Vec a, float b) { return a * all(b); }

// a * b + c, rounded once
INLINE Lanes fma(Lanes a, Lanes b, Lanes c) {
#ifdef __AVX512F__
  return (Lanes)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__aarch64__)
  return (Lanes)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return (Lanes)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#endif
}
INLINE Vec fma(Vec a, Vec b, Vec c) {
  return for_parts([&](int p) { return fma(a.part[p], b.part[p], c.part[p]); });
}
INLINE Vec square_root(Vec v) {
  return for_parts([&](int p) {
#ifdef __AVX512F__
    return (Lanes)_mm512_sqrt_ps((__m512)v.part[p]);
#elif defined(__aarch64__)
    return (Lanes)vsqrtq_f32((float32x4_t)v.part[p]);
#else
    return (Lanes)_mm256_sqrt_ps((__m256)v.part[p]);
#endif
  });
}
INLINE Vec larger(Vec a, Vec b) {
  return for_parts([&](int p) { return a.part[p] < b.part[p] ? b.part[p] : a.part[p]; });
}
// 1 where x is above 0, else 0
INLINE Vec step_function(Vec x) {
  return for_parts([&](int p) { return x.part[p] > Lanes{} ? all_lanes(1.f) : Lanes{}; });
}

// The sum of 16 elements by halves, a fixed tree.
INLINE float sum(Vec v) {
  float a[kWidth];
  store(a, v);
  for (int half = kWidth / 2; half; half /= 2)
    for (int i = 0; i < half; i++) a[i] += a[i + half];
  return a[0];
}
INLINE float largest(Vec v) {
  float a[kWidth];
  store(a, v);
  for (int half = kWidth / 2; half; half /= 2)
    for (int i = 0; i < half; i++) a[i] = a[i] < a[i + half] ? a[i + half] : a[i];
  return a[0];
}

// Elements whose bit is 0 become 0.
INLINE Vec keep(uint16_t bits, Vec v) {
#ifdef __AVX512F__
  return for_parts([&](int p) { return (Lanes)_mm512_maskz_mov_ps(bits, (__m512)v.part[p]); });
#else
#ifdef __aarch64__
  const IntLanes bit = {1, 2, 4, 8};
#else
  const IntLanes bit = {1, 2, 4, 8, 16, 32, 64, 128};
#endif
  return for_parts([&](int p) {
    IntLanes on = (bit & (IntLanes{} + (bits >> (p * kLanes)))) != 0;
    return (Lanes)((IntLanes)v.part[p] & on);
  });
#endif
}
// The first n elements; the others become 0.
INLINE Vec keep_first(int n, Vec v) {
  return keep((uint16_t)(n >= kWidth ? 0xffff : (1u << n) - 1), v);
}

INLINE Lanes limited(Lanes x, float low, float high) {
  x = x > all_lanes(high) ? all_lanes(high) : x;  // in this order a NaN stays
  return x < all_lanes(low) ? all_lanes(low) : x;
}

// e to the power of x, relative error about 1e-7; Cephes' polynomial after taking out powers of 2.
INLINE Lanes exp(Lanes x) {
  x = limited(x, -87.f, 88.f);
  const Lanes magic = all_lanes(12582912.f);  // 1.5 * 2^23: adding it rounds to the nearest integer
  Lanes rounded = fma(x, all_lanes(1.44269504f), magic);
  IntLanes power = (IntLanes)rounded - (IntLanes)magic;
  rounded -= magic;
  Lanes r = fma(rounded, all_lanes(-0.693359375f), x);
  r = fma(rounded, all_lanes(2.12194440e-4f), r);
  Lanes p = all_lanes(1.9875691500e-4f);
  for (float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                  5.0000001201e-1f})
    p = fma(p, r, all_lanes(c));
  p = fma(p, r * r, r) + 1.f;
  return p * (Lanes)((power + 127) << 23);  // multiplied, not added to the bits: a NaN stays
}
INLINE Vec exp(Vec x) {
  return for_parts([&](int p) { return exp(x.part[p]); });
}

// The error function, absolute error about 1e-7: a rational approximation of odd order 13/8.
INLINE Lanes erf(Lanes x) {
  x = limited(x, -4.f, 4.f);
  Lanes z = x * x;
  Lanes above = all_lanes(-2.72614225801306e-10f), below = all_lanes(-1.45660718464996e-05f);
  for (float c : {2.77068142495902e-08f, -2.10102402082508e-06f, -5.69250639462346e-05f,
                  -7.34990630326855e-04f, -2.95459980854025e-03f, -1.60960333262415e-02f})
    above = fma(above, z, all_lanes(c));
  for (float c : {-2.13374055278905e-04f, -1.68282697438203e-03f, -7.37332916720468e-03f,
                  -1.42647390514189e-02f})
    below = fma(below, z, all_lanes(c));
  return x * above / below;
}
INLINE Vec erf(Vec x) {
  return for_parts([&](int p) { return erf(x.part[p]); });
}
INLINE Vec tanh(Vec x) {
  return for_parts([&](int p) {
    Lanes e = exp(2.f * limited(x.part[p], -15.f, 15.f));
    return (e - 1.f) / (e + 1.f);
  });
}

constexpr int round_up(int n, int to) { return (n + to - 1) / to * to; }

}  // namespace glueharness
