#include "plan.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <stdexcept>

#include "vector.h"

namespace glueharness {

namespace {

constexpr int kBlockTokens = 128;  // activations of a block stay in a core's cache

size_t probability_words(const Config& c, int queries, int tokens) {
  return (size_t)queries * (round_up(tokens, kWidth) / kWidth) * c.heads;
}

// Blocks of about equal weight: the longest sequences first, each to the lightest block.
Chunk make_chunk(const Config& c, const Batch& batch, std::vector<int> rows) {
  long tokens = 0;
  for (int row : rows) tokens += batch.length[row];
  int wanted = (int)((tokens + kBlockTokens - 1) / kBlockTokens);
  if (wanted > 1) wanted = round_up(wanted, 4);  // two or four threads then have as many each
  wanted = std::clamp(wanted, 1, (int)rows.size());
  std::stable_sort(rows.begin(), rows.end(),
                   [&](int a, int b) { return batch.length[a] > batch.length[b]; });
  Chunk chunk;
  chunk.blocks.resize(wanted);
  std::vector<double> weight(wanted, 0.);
  for (int row : rows) {
    const size_t lightest = std::min_element(weight.begin(), weight.end()) - weight.begin();
    Block& block = chunk.blocks[lightest];
    const int n = batch.length[row];
    weight[lightest] += n * (12. * c.hidden + n);
    block.sequences.push_back(
        {row, n, block.tokens, {block.probabilities[0], block.probabilities[1]}});
    block.tokens += n;
    block.probabilities[0] += probability_words(c, n, n);
    block.probabilities[1] += probability_words(c, 1, n);
    block.longest = std::max(block.longest, n);
  }
  const int multiple = c.bf16 ? 2 : 1;  // rows go in pairs
  for (Block& block : chunk.blocks) {
    block.first_token = chunk.tokens;
    block.first_sequence = chunk.sequences;
    chunk.tokens += round_up(block.tokens, multiple);
    chunk.sequences += round_up((int)block.sequences.size(), multiple);
    for (int last : {0, 1}) {
      block.first_probability[last] = chunk.probabilities[last];
      chunk.probabilities[last] += block.probabilities[last];
    }
  }
  return chunk;
}

}  // namespace

size_t kept_bytes(const Config& c, int tokens) {
  const size_t h = c.hidden, i = c.intermediate;
  return c.layers * ((size_t)tokens * (8 * h + 2 * i) * sizeof(float) +
                     probability_words(c, tokens, tokens) * (kWidth * sizeof(float) + 2));
}

void check_batch(const Config& c, const Batch& batch) {
  auto refuse = [](bool wrong, const char* what) {
    if (wrong) throw std::invalid_argument(what);
  };
  for (int row = 0; row < batch.rows; row++) {
    const int n = batch.length[row];
    refuse(n < 1 || n + c.offset > c.positions, "a row has no tokens, or more than there are positions");
    const int32_t* ids = batch.ids + batch.start[row];
    const int8_t* types = batch.types ? batch.types + batch.start[row] : nullptr;
    bool unknown = false, untyped = false;
    for (int i = 0; i < n; i++) {
      unknown |= (uint32_t)ids[i] >= (uint32_t)c.vocabulary;
      untyped |= types && (uint32_t)types[i] >= (uint32_t)c.types;
    }
    refuse(unknown, "a word is not in the vocabulary");
    refuse(untyped, "a token's type is not in the model");
    if (!batch.targets || c.regression) continue;
    const float target = batch.targets[row];
    refuse(!(target >= 0 && target < (float)c.labels), "a label's number is not in the model");
  }
}

Plan make_plan(const Config& config, const Batch& batch, size_t room) {
  check_batch(config, batch);
  Plan plan;
  std::vector<int> rows;
  size_t used = 0;
  auto finish = [&] {
    if (rows.empty()) return;
    plan.chunks.push_back(make_chunk(config, batch, std::move(rows)));
    for (Block& block : plan.chunks.back().blocks) block.number = plan.blocks++;
    rows = {};
    used = 0;
  };
  for (int row = 0; row < batch.rows; row++) {
    const int n = batch.length[row];
    plan.longest = std::max(plan.longest, n);
    const size_t bytes = kept_bytes(config, n);
    if (used + bytes > room) finish();
    used += bytes;
    rows.push_back(row);
  }
  finish();
  return plan;
}

void Words::find(const Config& config, const Batch& batch) {
  slot_.resize(config.vocabulary, -1);
  ids_.clear();
  numbers_.clear();
  first_.clear();
  for (int row = 0; row < batch.rows; row++) {
    first_.push_back(numbers_.size());
    for (int i = 0; i < batch.length[row]; i++) {
      const int id = batch.ids[batch.start[row] + i];
      if (slot_[id] < 0) {
        slot_[id] = (int)ids_.size();
        ids_.push_back(id);
      }
      numbers_.push_back(slot_[id]);
    }
  }
  for (int id : ids_) slot_[id] = -1;
}

}  // namespace glueharness
