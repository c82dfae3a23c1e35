// Random shapes and batches through every function of the native engine, for the sanitizers; and
// the same bits for one, two and three threads. It prints a hash of what each training ends with,
// to be compared among kinds of processors. Built by tests/test_native_build.py.
#include <cstdio>
#include <random>

#include "engine.h"

using namespace glueharness;

namespace {

uint64_t hash_of(const std::vector<float>& values) {
  uint64_t hash = 1469598103934665603ull;
  for (float value : values) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    hash = (hash ^ bits) * 1099511628211ull;
  }
  return hash;
}

struct Rows {
  std::vector<int64_t> start;
  std::vector<int32_t> length, ids;
  std::vector<int8_t> types;
  std::vector<float> targets;
};

Rows random_rows(const Config& c, std::mt19937& random, int count, int longest) {
  Rows rows;
  for (int i = 0; i < count; i++) {
    const int n = 1 + (int)(random() % longest);
    rows.start.push_back((int64_t)rows.ids.size());
    rows.length.push_back(n);
    rows.targets.push_back((float)(random() % c.labels));
    for (int j = 0; j < n; j++) {
      rows.ids.push_back((int32_t)(random() % c.vocabulary));
      rows.types.push_back((int8_t)(c.types > 1 ? random() % c.types : 0));
    }
  }
  return rows;
}

Config random_config(std::mt19937& random, int bf16) {
  Config c{};
  c.layers = 1 + random() % 3;
  c.heads = 1 + random() % 3;
  c.hidden = 16 * c.heads * (1 + random() % 3);
  c.embedding = random() % 2 ? c.hidden : 16;
  c.intermediate = 16 * (1 + random() % 9);
  c.vocabulary = 50;
  c.positions = 40;
  c.types = random() % 3;
  c.labels = 1 + random() % 4;
  c.regression = c.labels == 1;
  c.pooler = random() % 3;
  c.padding = 1;
  c.offset = random() % 2 ? 2 : 0;
  c.bf16 = bf16;
  c.epsilon = 1e-12f;
  c.dropout_hidden = c.dropout_attention = c.dropout_classifier = .1f;
  c.dropout_pooler = random() % 2 ? .1f : 0.f;
  return c;
}

uint64_t train(Config c, int threads, unsigned seed) {
  c.threads = threads;
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.f, .05f);
  const Layout layout(c);
  const size_t size = layout.size(), table = (size_t)c.vocabulary * c.embedding;
  std::vector<float> p(size), m(size), v(size), words(table), word_m(table), word_v(table);
  std::vector<int64_t> last(c.vocabulary);
  for (float& x : p) x = normal(random);
  for (float& x : words) x = normal(random);
  std::vector<float> logits(64 * (size_t)c.labels);
  std::vector<double> rates(8, 1e-3);
  std::vector<Segment> segments;
  for (const Place& place : layout.places())
    segments.push_back({(int64_t)place.at, (int64_t)(place.at + place.rows * place.columns), .01f, .9f});
  {
    Engine engine(c, {p.data(), m.data(), v.data(), words.data(), word_m.data(), word_v.data(),
                      last.data()});
    engine.train_with({{.9, .999, 1e-8f, .01f, 1.f}, (int32_t)segments.size(), 8, segments.data(),
                       rates.data(), .8f}, 0);
    for (int step = 0; step < 8; step++) {
      Rows rows = random_rows(c, random, step == 2 ? 1 : 1 + (int)(random() % 20), step == 3 ? 1 : 38);
      const Batch batch{(int32_t)rows.start.size(), rows.start.data(), rows.length.data(),
                        rows.ids.data(), c.types ? rows.types.data() : nullptr,
                        rows.targets.data()};
      float norm;
      const double loss = engine.step(batch, seed + step, step != 5, &norm, logits.data());
      if (!std::isfinite(loss) || !std::isfinite(norm)) return 0;
      if (step % 3 == 1) {
        engine.flush();
        engine.evaluate(batch, logits.data());
      }
    }
    engine.flush();
  }
  return hash_of(p) ^ 3 * hash_of(words) ^ 5 * hash_of(logits) ^ 7 * hash_of(v);
}

}  // namespace

int main() {
#ifdef __AVX512BF16__
  const int formats = 2;
#else
  const int formats = 1;
#endif
  int wrong = 0;
  for (unsigned seed = 1; seed <= 12; seed++)
    for (int bf16 = 0; bf16 < formats; bf16++) {
      std::mt19937 random(seed);
      const Config config = random_config(random, bf16);
      const uint64_t one = train(config, 1, seed);
      printf("%u %d %016llx\n", seed, bf16, (unsigned long long)one);
      const bool same = one && one == train(config, 2, seed) && one == train(config, 3, seed);
      if (!same) printf("seed %u, bf16 %d: not the same bits, or not finite\n", seed, bf16);
      wrong += !same;
    }
  return wrong != 0;
}
