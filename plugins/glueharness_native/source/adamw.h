// AdamW (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101), dense and for rows that
// were left alone for some steps.
#pragma once
#include <vector>

#include "vector.h"

namespace glueharness {

// Mirrored in library.py.
struct AdamWConstants {
  double beta1, beta2;
  float epsilon, weight_decay;
  float max_norm;  // of the gradient; 0: no limit
};

// One step with the gradient g * clip, for `count` elements.
struct AdamWStep {
  float rate;  // learning rate
  float decay;
  float clip;
  int step;  // 1 for the first
};
static void adamw(const AdamWConstants& c, const AdamWStep& s, size_t count, const float* g,
                  float* p, float* m, float* v) {
  const float new1 = (float)(1 - c.beta1), beta2 = (float)c.beta2, new2 = (float)(1 - c.beta2);
  const float size = (float)(s.rate / (1 - std::pow(c.beta1, s.step)));
  const float inverse = (float)(1 / std::sqrt(1 - std::pow(c.beta2, s.step)));
  const float shrink = 1.f - s.rate * s.decay;
  size_t i = 0;
  for (; i + kWidth <= count; i += kWidth) {
    Vec gi = load(g + i) * s.clip, mi = load(m + i);
    mi = fma(gi - mi, all(new1), mi);
    Vec vi = fma(gi * gi, all(new2), load(v + i) * beta2);
    store(m + i, mi);
    store(v + i, vi);
    store(p + i, load(p + i) * shrink - mi * size / fma(square_root(vi), all(inverse), all(c.epsilon)));
  }
  for (; i < count; i++) {
    const float gi = g[i] * s.clip;
    m[i] = std::fma(gi - m[i], new1, m[i]);
    v[i] = std::fma(gi * gi, new2, v[i] * beta2);
    p[i] = p[i] * shrink - m[i] * size / std::fma(std::sqrt(v[i]), inverse, c.epsilon);
  }
}

// What AdamW does to a row of word vectors while no batch touches it: many steps in one. The
// derivation is in glueharness_finetune's module of the same name. With D(a, t) = f_{a+1} ... f_t,
// f_u = 1 - rate_u decay, w_u = rate_u beta1^j / c1_u, b_u = sqrt(beta2^j / c2_u), j = u - s:
//
//   p_t = p_s D(s, t) - m S1 / (sqrt(v) + eps S2 / S1)
//   S1  = sum over u of D(u, t) w_u / b_u       S2 = sum over u of D(u, t) w_u / b_u^2
//
// Both sums are kept for the last kHorizon values of s; what later steps add is below 1e-13.
class SkippedSteps {
 public:
  SkippedSteps() = default;
  SkippedSteps(const AdamWConstants& constants, const double* rates, int steps)
      : constants_(constants), rates_(rates, rates + steps), log_decay_(steps + 1, 0.) {
    for (int t = 0; t < steps; t++)
      log_decay_[t + 1] = log_decay_[t] + std::log(1 - rates[t] * constants.weight_decay);
    recent_[0].assign(kHorizon + 1, 0.);
    recent_[1].assign(kHorizon + 1, 0.);
    settled_[0].assign(steps + 1, 0.);
    settled_[1].assign(steps + 1, 0.);
    for (int gap = 0; gap <= kHorizon; gap++) {
      powers_[0].push_back(std::pow(constants.beta1 / std::sqrt(constants.beta2), gap));
      powers_[1].push_back(std::pow(constants.beta1 / constants.beta2, gap));
    }
  }

  int step() const { return step_; }
  double rate() const { return rates_[step_ - 1]; }

  void advance() {
    const int step = ++step_;
    const double rate = rates_.at(step - 1), factor = 1 - rate * constants_.weight_decay;
    const double scale = rate / (1 - std::pow(constants_.beta1, step));
    const double correction = 1 - std::pow(constants_.beta2, step);
    const double w1 = scale * std::sqrt(correction), w2 = scale * correction;
    // From the longest gap down, so that each takes the place of the one after it.
    for (int gap = kHorizon; gap >= 1; gap--) {
      recent_[0][gap] = recent_[0][gap - 1] * factor + powers_[0][gap] * w1;
      recent_[1][gap] = recent_[1][gap - 1] * factor + powers_[1][gap] * w2;
    }
    if (step >= kHorizon)
      for (int i : {0, 1}) settled_[i][step - kHorizon] = recent_[i][kHorizon];
  }

  // Brings a row of `width` elements from the step `last` to the present one.
  void catch_up(int last, int width, float* p, float* m, float* v) const {
    const int gap = step_ - last;
    if (gap == 0) return;
    const bool far = gap > kHorizon;
    const double s1 = far ? settled_[0][last] : recent_[0][gap];
    const double s2 = far ? settled_[1][last] : recent_[1][gap];
    const double after = far ? std::exp(log_decay_[step_] - log_decay_[last + kHorizon]) : 1.;
    const float decay = (float)std::exp(log_decay_[step_] - log_decay_[last]);
    const float move = (float)(s1 * after);
    const float below = (float)(s1 > 0 ? s2 / s1 : 1.) * constants_.epsilon;
    const float shrink1 = (float)std::pow(constants_.beta1, gap);
    const float shrink2 = (float)std::pow(constants_.beta2, gap);
    for (int j = 0; j < width; j += kWidth) {
      Vec mj = load(m + j), vj = load(v + j), root = square_root(vj) + below;
      store(p + j, load(p + j) * decay - mj * move / root);
      store(m + j, mj * shrink1);
      store(v + j, vj * shrink2);
    }
  }

 private:
  static constexpr int kHorizon = 288;
  AdamWConstants constants_{};
  std::vector<double> rates_, log_decay_, powers_[2], recent_[2], settled_[2];
  int step_ = 0;
};

}  // namespace glueharness
