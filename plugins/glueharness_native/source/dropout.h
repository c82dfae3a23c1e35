// Dropout masks from a counter-based generator: Philox 4x32 with 7 rounds (Salmon et al. 2011,
// "Parallel random numbers: as easy as 1, 2, 3", https://doi.org/10.1145/2063384.2063405).
//
// A mask follows from the key (seed and step), the stream (layer and place) and the block alone, so
// it does not matter which thread draws it, or when. 16 random bits decide an element.
#pragma once
#include "vector.h"

namespace glueharness {

struct Dropout {
  uint64_t key = 0;        // from the run's seed and the step
  uint32_t threshold = 0;  // of 65536: how many of the values drop an element

  static Dropout with_rate(float rate, uint64_t key) {
    return {key, (uint32_t)std::lround((double)rate * 65536.)};
  }
  bool active() const { return threshold > 0; }
  // What is kept is scaled up by the rate that is really drawn, so that the mean is exact.
  float scale() const { return 65536.f / (float)(65536 - threshold); }
};

// Full products of 32-bit lanes with one number.
INLINE void multiply_words(WordLanes a, uint32_t by, WordLanes& high, WordLanes& low) {
#ifdef __AVX512F__
  const __m512i m = _mm512_set1_epi32((int)by);
  __m512i even = _mm512_mul_epu32((__m512i)a, m);
  __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64((__m512i)a, 32), m);
  low = (WordLanes)_mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
  high = (WordLanes)_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
#elif defined(__aarch64__)
  const uint32x4_t words = (uint32x4_t)a;
  uint32x4_t first = vreinterpretq_u32_u64(vmull_n_u32(vget_low_u32(words), by));
  uint32x4_t second = vreinterpretq_u32_u64(vmull_n_u32(vget_high_u32(words), by));
  low = (WordLanes)vuzp1q_u32(first, second);
  high = (WordLanes)vuzp2q_u32(first, second);
#else
  const __m256i m = _mm256_set1_epi32((int)by);
  __m256i even = _mm256_mul_epu32((__m256i)a, m);
  __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64((__m256i)a, 32), m);
  low = (WordLanes)_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  high = (WordLanes)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
#endif
}

// One bit a lane: whether its value, below 65536, is at least the threshold.
INLINE uint16_t bits_at_least(WordLanes values, uint32_t threshold) {
#ifdef __AVX512F__
  return _mm512_cmpge_epu32_mask((__m512i)values, _mm512_set1_epi32((int)threshold));
#elif defined(__aarch64__)
  const uint32x4_t bit = {1, 2, 4, 8};
  return (uint16_t)vaddvq_u32(vandq_u32(vcgeq_u32((uint32x4_t)values, vdupq_n_u32(threshold)), bit));
#else
  const __m256i below = _mm256_set1_epi32((int)threshold - 1);
  return (uint16_t)_mm256_movemask_ps(
      _mm256_castsi256_ps(_mm256_cmpgt_epi32((__m256i)values, below)));
#endif
}

// Fills `count` mask words of 16 elements each; a counter gives 128 elements, which is 8 words.
static __attribute__((noinline)) void draw_mask(const Dropout& dropout, uint32_t stream,
                                                uint32_t block, size_t count, uint16_t* out) {
  WordLanes lane[kParts];
  for (int p = 0; p < kParts; p++)
    for (int i = 0; i < kLanes; i++) lane[p][i] = (uint32_t)(p * kLanes + i);
  for (size_t word = 0; word < count; word += 8) {
    uint16_t mask[8] = {};
#pragma GCC unroll 2
    for (int p = 0; p < kParts; p++) {
      WordLanes c[4] = {lane[p], WordLanes{} + (uint32_t)(word / 8), WordLanes{} + stream,
                        WordLanes{} + block};
      uint32_t k0 = (uint32_t)dropout.key, k1 = (uint32_t)(dropout.key >> 32);
#pragma GCC unroll 7
      for (int round = 0; round < 7; round++) {
        WordLanes high0, low0, high1, low1;
        multiply_words(c[0], 0xD2511F53u, high0, low0);
        multiply_words(c[2], 0xCD9E8D57u, high1, low1);
        c[0] = high1 ^ c[1] ^ k0;
        c[1] = low1;
        c[2] = high0 ^ c[3] ^ k1;
        c[3] = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
      }
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) {
        mask[2 * i] |= bits_at_least(c[i] & 0xffff, dropout.threshold) << (p * kLanes);
        mask[2 * i + 1] |= bits_at_least(c[i] >> 16, dropout.threshold) << (p * kLanes);
      }
    }
    memcpy(out + word, mask, 2 * (count - word < 8 ? count - word : 8));
  }
}

}  // namespace glueharness
