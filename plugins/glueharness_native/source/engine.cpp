#include "engine.h"

#include <numeric>
#include <stdexcept>

namespace glueharness {

namespace {

constexpr size_t kRoom = (size_t)1 << 30;            // bytes that training keeps of a chunk
constexpr size_t kEvaluationRoom = (size_t)1 << 28;  // the same measure: rows planned at once
constexpr size_t kPiece = 16384;                     // parameters that are updated by one task
constexpr int kWordRows = 64;                        // rows of word vectors in one task

}  // namespace

Engine::Engine(const Config& config, const Arrays& arrays)
    : config_(config), layout_(config), arrays_(arrays), encoder_(config, layout_),
      pool_(config.threads), gradients_(layout_.size(), 0.f), scratch_(config.threads) {}

void Engine::train_with(const Optimiser& o, int done) {
  constants_ = o.constants;
  segments_.assign(o.segment, o.segment + o.segments);
  for (const Segment& s : segments_)
    if (s.begin < 0 || s.end < s.begin || (size_t)s.end > layout_.size())
      throw std::invalid_argument("a segment is outside of the parameters");
  rates_.assign(o.rates, o.rates + o.steps);
  std::vector<double> word_rates = rates_;
  for (double& rate : word_rates) rate *= o.word_rate_factor;
  skipped_ = SkippedSteps(constants_, word_rates.data(), o.steps);
  for (int i = 0; i < done; i++) skipped_.advance();
}

// ---------------------------------------------------------------------------------- 1 prepare

void Engine::prepare(bool train) {
  struct Pack {
    Linear* linear;
    bool forward;
    int first, end;
  };
  std::vector<Pack> packs;
  auto split = [&](Linear* l, bool forward, int columns, int depth) {
    const int some = std::max(kPanel, 65536 / depth / kPanel * kPanel);
    for (int n = 0; n < columns; n += some)
      packs.push_back({l, forward, n, std::min(columns, n + some)});
  };
  for (const auto& l : encoder_.linears()) {
    if (!packed_forward_) split(l.get(), true, l->outputs, l->inputs);
    if (train && !packed_backward_) split(l.get(), false, l->inputs, l->outputs);
  }
  const int words = train && arrays_.word_steps ? (int)words_.ids().size() : 0;
  const int first_words = (int)packs.size();
  pool_.run(first_words + (words + kWordRows - 1) / kWordRows, [&](int task, int) {
    if (task < first_words) {
      const Pack& pack = packs[task];
      if (pack.forward)
        pack.linear->pack_forward_part(arrays_.parameters, pack.first, pack.end);
      else
        pack.linear->pack_backward_part(arrays_.parameters, pack.first, pack.end);
      return;
    }
    const int e = config_.embedding, begin = (task - first_words) * kWordRows;
    for (int i = begin; i < std::min(words, begin + kWordRows); i++) {
      const size_t word = words_.ids()[i], at = word * e;
      skipped_.catch_up((int)arrays_.word_steps[word], e, arrays_.words + at,
                        arrays_.word_first_moments + at, arrays_.word_second_moments + at);
      arrays_.word_steps[word] = skipped_.step();
    }
  });
  packed_forward_ = true;
  packed_backward_ = packed_backward_ || train;
}

// ------------------------------------------------------------------------------------- 3 sums

// A part of the gradients that one thread sums.
struct Engine::Task {
  enum Kind { kLinear, kWords, kPositions, kNorms, kRest } kind;
  const Linear* linear;
  int first, end;
};

int Engine::position_of(const Sequence& sequence, int token, int* count) const {
  const int word = batch_.ids[batch_.start[sequence.row] + token];
  const bool counted = config_.offset == 0 || word != config_.padding;
  return counted ? config_.offset + (*count)++ : config_.padding;
}

// In which rows of the chunk each word and each position stands, in the order of the rows.
void Engine::index_words(const Chunk& chunk) {
  auto index = [&](size_t keys, auto key_of, std::vector<int>& begin, std::vector<int>& rows) {
    begin.assign(keys + 1, 0);
    auto each = [&](auto visit) {
      for (const Block& block : chunk.blocks)
        for (const Sequence& s : block.sequences) {
          int count = 0;
          for (int i = 0; i < s.tokens; i++)
            visit(key_of(s, i, &count), block.first_token + s.first + i);
        }
    };
    each([&](int key, int) { begin[key + 1]++; });
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    rows.resize(begin.back());
    std::vector<int> next(begin.begin(), begin.end() - 1);
    each([&](int key, int row) { rows[next[key]++] = row; });
  };
  index(words_.ids().size(),
        [&](const Sequence& s, int i, int*) { return words_.numbers(s.row)[i]; }, word_begin_,
        word_rows_);
  index(config_.positions,
        [&](const Sequence& s, int i, int* count) { return position_of(s, i, count); },
        position_begin_, position_rows_);
}

// Tiles of weights first, the heaviest at the front: about 40 equal ones are enough to balance and
// few enough that x is not read too often.
std::vector<Engine::Task> Engine::gradient_tasks() const {
  std::vector<Task> tasks;
  double work = 0;
  for (const auto& l : encoder_.linears()) work += (double)l->outputs * l->inputs * l->rows;
  for (const auto& l : encoder_.linears()) {
    const double one = (double)l->inputs * l->rows;
    const int some = std::max(48, (int)(work / 40 / one) / 48 * 48);
    for (int n = 0; n < l->outputs; n += some)
      tasks.push_back({Task::kLinear, l.get(), n, std::min(l->outputs, n + some)});
  }
  auto weight = [](const Task& t) {
    return (double)(t.end - t.first) * t.linear->inputs * t.linear->rows;
  };
  std::stable_sort(tasks.begin(), tasks.end(),
                   [&](const Task& a, const Task& b) { return weight(a) > weight(b); });
  auto ranges = [&](Task::Kind kind, int count, int some) {
    for (int n = 0; n < count; n += some)
      tasks.push_back({kind, nullptr, n, std::min(count, n + some)});
  };
  ranges(Task::kWords, (int)words_.ids().size(), kWordRows);
  ranges(Task::kPositions, config_.positions, 32);
  ranges(Task::kNorms, (int)encoder_.norms().size(), 4);
  tasks.push_back({Task::kRest, nullptr, 0, 0});
  return tasks;
}

INLINE void add_row(int width, float* to, const float* from) {
  for (int j = 0; j < width; j += kWidth) store(to + j, load(to + j) + load(from + j));
}

// Sums a part, and returns its squares as it stands.
double Engine::sum_part(const Task& task, const Chunk& chunk, bool first) {
  const int e = config_.embedding;
  const float* embedded = encoder_.memory().embedding_norm.centred;  // gradients, [tokens, e]
  float* gradients = gradients_.data();
  double squares = 0;
  switch (task.kind) {
    case Task::kLinear: {
      const Linear& l = *task.linear;
      l.gradient_part(gradients, task.first, task.end, !first);
      const size_t in = l.inputs;
      return sum_of_squares(gradients + l.weight + task.first * in, (task.end - task.first) * in) +
             sum_of_squares(gradients + l.bias + task.first, task.end - task.first);
    }
    case Task::kWords:
      for (int word = task.first; word < task.end; word++) {
        float* out = &word_gradients_[(size_t)word * e];
        if (first) memset(out, 0, e * sizeof(float));
        if (words_.ids()[word] == config_.padding) continue;  // never learns
        for (int i = word_begin_[word]; i < word_begin_[word + 1]; i++)
          add_row(e, out, embedded + (size_t)word_rows_[i] * e);
        squares += sum_of_squares(out, e);
      }
      return squares;
    case Task::kPositions: {
      float* table = gradients + layout_.find("positions").at;
      for (int at = task.first; at < task.end; at++) {
        float* out = table + (size_t)at * e;
        if (first) memset(out, 0, e * sizeof(float));
        if (config_.offset > 0 && at == config_.padding) continue;  // never learns
        for (int i = position_begin_[at]; i < position_begin_[at + 1]; i++)
          add_row(e, out, embedded + (size_t)position_rows_[i] * e);
      }
      return sum_of_squares(table + (size_t)task.first * e, (size_t)(task.end - task.first) * e);
    }
    case Task::kNorms:
      for (int n = task.first; n < task.end; n++) {
        const Norm& norm = encoder_.norms()[n];
        float* out[2] = {gradients + norm.weight, gradients + norm.bias};
        for (int side : {0, 1}) {
          if (first) memset(out[side], 0, norm.width * sizeof(float));
          for (size_t b = 0; b < chunk.blocks.size(); b++)
            add_row(norm.width, out[side],
                    encoder_.memory().norm_gradients +
                        ((b * encoder_.norms().size() + n) * 2 + side) * config_.hidden);
          squares += sum_of_squares(out[side], norm.width);
        }
      }
      return squares;
    case Task::kRest: return sum_types_and_classifier(chunk, first);
  }
  return 0;
}

double Engine::sum_types_and_classifier(const Chunk& chunk, bool first) {
  const int e = config_.embedding, h = config_.hidden, k = config_.labels;
  const ChunkMemory& memory = encoder_.memory();
  const Place &weight = layout_.find("classifier.weight"), &bias = layout_.find("classifier.bias");
  float *dweight = &gradients_[weight.at], *dbias = &gradients_[bias.at];
  float* dtypes = config_.types ? &gradients_[layout_.find("types").at] : nullptr;
  const size_t types = (size_t)config_.types * e;
  if (first) {
    memset(dweight, 0, (size_t)k * h * sizeof(float));
    memset(dbias, 0, k * sizeof(float));
    if (dtypes) memset(dtypes, 0, types * sizeof(float));
  }
  for (const Block& block : chunk.blocks)
    for (size_t s = 0; s < block.sequences.size(); s++) {
      const Sequence& sequence = block.sequences[s];
      const size_t row = block.first_sequence + s, token = block.first_token + sequence.first;
      for (int label = 0; label < k; label++) {
        const float d = memory.dlogits[row * k + label];
        dbias[label] += d;
        float* out = dweight + (size_t)label * h;
        for (int j = 0; j < h; j += kWidth)
          store(out + j, fma(all(d), load(memory.classifier_input + row * h + j), load(out + j)));
      }
      const int8_t* type = batch_.types ? batch_.types + batch_.start[sequence.row] : nullptr;
      for (int i = 0; dtypes && i < sequence.tokens; i++)
        add_row(e, dtypes + (size_t)(type ? type[i] : 0) * e,
                memory.embedding_norm.centred + (token + i) * e);
    }
  return sum_of_squares(dweight, (size_t)k * h) + sum_of_squares(dbias, k) +
         (dtypes ? sum_of_squares(dtypes, types) : 0);
}

// --------------------------------------------------------------------------------- the steps

double Engine::step(const Batch& batch, uint64_t key, bool update_too, float* norm, float* logits) {
  if (batch.rows < 1 || !batch.targets) throw std::invalid_argument("a step needs rows and targets");
  batch_ = batch;
  plan_ = make_plan(config_, batch, kRoom);
  words_.find(config_, batch);
  word_gradients_.resize(words_.ids().size() * config_.embedding);
  prepare(true);
  std::vector<double> losses(plan_.blocks, 0.), squares;
  for (const Chunk& chunk : plan_.chunks) {
    encoder_.prepare(chunk, kept_);
    pool_.run((int)chunk.blocks.size(), [&](int task, int thread) {
      const Block& block = chunk.blocks[task];
      const Job job{batch_, block, task, true, key, 1.f / (float)batch.rows, scratch_[thread], logits};
      losses[block.number] = encoder_.run(arrays_.parameters, arrays_.words, job);
    });
    index_words(chunk);
    const std::vector<Task> tasks = gradient_tasks();
    squares.assign(tasks.size(), 0.);
    const bool first = &chunk == &plan_.chunks.front();
    pool_.run((int)tasks.size(),
              [&](int task, int) { squares[task] = sum_part(tasks[task], chunk, first); });
  }
  // The last chunk's squares are those of the whole gradient.
  *norm = (float)std::sqrt(std::accumulate(squares.begin(), squares.end(), 0.));
  if (update_too)
    update(constants_.max_norm > 0 ? std::min(1.f, constants_.max_norm / (*norm + 1e-6f)) : 1.f);
  return std::accumulate(losses.begin(), losses.end(), 0.) / batch.rows;
}

// Part 4.
void Engine::update(float clip) {
  skipped_.advance();
  const int step = skipped_.step();
  const float rate = (float)rates_[step - 1];
  std::vector<Segment> pieces;
  for (Segment s : segments_)
    for (; s.begin < s.end; s.begin += kPiece) {
      pieces.push_back(s);
      pieces.back().end = std::min(s.end, s.begin + (int64_t)kPiece);
    }
  const int dense = (int)pieces.size(), words = (int)words_.ids().size(), e = config_.embedding;
  pool_.run(dense + (words + kWordRows - 1) / kWordRows, [&](int task, int) {
    if (task < dense) {
      const Segment& s = pieces[task];
      adamw(constants_, {rate * s.rate_factor, s.decay, clip, step}, s.end - s.begin,
            &gradients_[s.begin], arrays_.parameters + s.begin, arrays_.first_moments + s.begin,
            arrays_.second_moments + s.begin);
      return;
    }
    const AdamWStep one{(float)skipped_.rate(), constants_.weight_decay, clip, step};
    const int begin = (task - dense) * kWordRows;
    for (int i = begin; i < std::min(words, begin + kWordRows); i++) {
      const size_t word = words_.ids()[i], at = word * e;
      adamw(constants_, one, e, &word_gradients_[(size_t)i * e], arrays_.words + at,
            arrays_.word_first_moments + at, arrays_.word_second_moments + at);
      arrays_.word_steps[word] = step;
    }
  });
  parameters_changed();
}

void Engine::evaluate(const Batch& batch, float* logits) {
  batch_ = batch;
  plan_ = make_plan(config_, batch, kEvaluationRoom);
  prepare(false);
  for (const Chunk& chunk : plan_.chunks)
    pool_.run((int)chunk.blocks.size(), [&](int task, int thread) {
      const Job job{batch_, chunk.blocks[task], task, false, 0, 0.f, scratch_[thread], logits};
      encoder_.run(arrays_.parameters, arrays_.words, job);
    });
}

void Engine::flush() {
  const int e = config_.embedding, some = 256;
  pool_.run((config_.vocabulary + some - 1) / some, [&](int task, int) {
    for (int word = task * some; word < std::min(config_.vocabulary, (task + 1) * some); word++) {
      const size_t at = (size_t)word * e;
      skipped_.catch_up((int)arrays_.word_steps[word], e, arrays_.words + at,
                        arrays_.word_first_moments + at, arrays_.word_second_moments + at);
      arrays_.word_steps[word] = skipped_.step();
    }
  });
}

void Engine::copy_word_gradients(float* out) const {
  const size_t e = config_.embedding;
  for (size_t i = 0; i < words_.ids().size(); i++)
    memcpy(out + words_.ids()[i] * e, &word_gradients_[i * e], e * sizeof(float));
}

}  // namespace glueharness
