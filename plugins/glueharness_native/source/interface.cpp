// The functions that Python calls. Each returns 0, or 1 with a message in `error` (256 bytes).
#include <cstdio>
#include <exception>

#include "engine.h"

namespace g = glueharness;

namespace {

template <class F>
int guarded(char* error, F work) {
  try {
    work();
    return 0;
  } catch (const std::bad_alloc&) {
    snprintf(error, 256, "memory ran out");
  } catch (const std::exception& e) {
    snprintf(error, 256, "%s", e.what());
  }
  return 1;
}

void check(const g::Config& c) {
  const bool fits = c.layers > 0 && c.heads > 0 && c.hidden > 0 && c.hidden % 16 == 0 &&
                    c.intermediate > 0 && c.intermediate % 16 == 0 && c.embedding > 0 &&
                    c.embedding % 16 == 0 && c.embedding <= c.hidden &&
                    c.hidden % c.heads == 0 && c.hidden / c.heads % 16 == 0 && c.labels > 0 &&
                    c.vocabulary > 0 && c.positions > 0 && c.types >= 0 && c.threads > 0;
  if (!fits) throw std::invalid_argument("these sizes are not supported");
#ifndef __AVX512BF16__
  if (c.bf16) throw std::invalid_argument("this build has no bfloat16");
#endif
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

// Sizes of the structs, in the order Config, Batch, Arrays, Segment, Optimiser, and whether there
// is bfloat16: for the caller to compare with its own.
void glueharness_sizes(int32_t out[6]) {
  const size_t sizes[] = {sizeof(g::Config), sizeof(g::Batch), sizeof(g::Arrays), sizeof(g::Segment),
                          sizeof(g::Optimiser)};
  for (int i = 0; i < 5; i++) out[i] = (int32_t)sizes[i];
#ifdef __AVX512BF16__
  out[5] = 1;
#else
  out[5] = 0;
#endif
}

// A hash of the sources that the library was made from.
const char* glueharness_source() { return GLUEHARNESS_SOURCE; }

// One line a parameter: name, place, rows, columns. Returns the characters needed; `size` of them
// are written. The first line is the size of the flat array.
int64_t glueharness_layout(const g::Config* config, char* out, int64_t size) {
  const g::Layout layout(*config);
  std::string text = std::to_string(layout.size()) + "\n";
  for (const g::Place& p : layout.places())
    text += p.name + " " + std::to_string(p.at) + " " + std::to_string(p.rows) + " " +
            std::to_string(p.columns) + "\n";
  if ((int64_t)text.size() < size) memcpy(out, text.c_str(), text.size() + 1);
  return (int64_t)text.size() + 1;
}

int glueharness_new(const g::Config* config, const g::Arrays* arrays, g::Engine** out, char* error) {
  return guarded(error, [&] {
    check(*config);
    *out = new g::Engine(*config, *arrays);
  });
}
void glueharness_free(g::Engine* engine) { delete engine; }

int glueharness_train_with(g::Engine* engine, const g::Optimiser* optimiser, int32_t done,
                           char* error) {
  return guarded(error, [&] { engine->train_with(*optimiser, done); });
}
int glueharness_step(g::Engine* engine, const g::Batch* batch, uint64_t key, int32_t update,
                     double* loss, float* norm, float* logits, char* error) {
  return guarded(error, [&] { *loss = engine->step(*batch, key, update != 0, norm, logits); });
}
int glueharness_evaluate(g::Engine* engine, const g::Batch* batch, float* logits, char* error) {
  return guarded(error, [&] { engine->evaluate(*batch, logits); });
}
int glueharness_flush(g::Engine* engine, char* error) {
  return guarded(error, [&] { engine->flush(); });
}
void glueharness_parameters_changed(g::Engine* engine) { engine->parameters_changed(); }

// For tests: the flat gradients of the last step, and those of the words [V, E].
void glueharness_gradients(const g::Engine* engine, float* out, float* words) {
  memcpy(out, engine->gradients().data(), engine->gradients().size() * sizeof(float));
  engine->copy_word_gradients(words);
}
// For tests: a dropout mask of `count` elements, 16 a word.
void glueharness_mask(float rate, uint64_t key, uint32_t stream, uint32_t block, int64_t count,
                      uint16_t* out) {
  g::draw_mask(g::Dropout::with_rate(rate, key), stream, block, (size_t)count / 16, out);
}
}
#pragma GCC visibility pop
