// The forward pass of a block, and where its numbers lie.
#include "pass.h"

namespace glueharness {

LayerMemory Pass::of_block(const Layer& layer, const LayerMemory& m) const {
  const Block& b = job_.block;
  const size_t t = b.first_token, s = b.first_sequence, r = layer.last ? s : t, h = h_;
  const size_t p = b.first_probability[layer.last];
  auto shift = [](auto* base, size_t by) { return base ? base + by : nullptr; };
  LayerMemory found = m;
  found.input = shift(m.input, t * h);
  found.first = shift(m.first, s * h);
  found.qkv = m.qkv + t * (layer.last ? 2 : 3) * h;
  found.query = shift(m.query, s * h);
  found.probabilities = m.probabilities + p * kWidth;
  found.context = shift(m.context, r * h);
  found.norm1 = {m.norm1.centred + r * h, m.norm1.inverse_deviation + r};
  found.middle = shift(m.middle, r * h);
  found.slope = m.slope + r * i_;
  found.activated = shift(m.activated, r * i_);
  found.norm2 = {m.norm2.centred + r * h, m.norm2.inverse_deviation + r};
  found.mask_attention = m.mask_attention + p;
  found.mask1 = m.mask1 + r * h / kWidth;
  found.mask2 = m.mask2 + r * h / kWidth;
  return found;
}

// Where everything lies: what training keeps in the chunk's memory, the rest in scratch, where the
// layers share their places.
void Pass::lay_out() {
  const size_t t = t_, s = s_, h = h_, e = c_.embedding;
  LayerMemory shared{};
  float* inputs[2] = {nullptr, nullptr};
  if (!job_.train) {
    shared.qkv = floats(t * 3 * h);
    shared.query = floats(s * h);
    shared.probabilities =
        floats(std::max(job_.block.probabilities[0], job_.block.probabilities[1]) * kWidth);
  }
  if (!job_.train || c_.bf16) {
    inputs[0] = floats(t * h);
    inputs[1] = floats(t * h);
    shared.first = floats(s * h);
    shared.context = floats(t * h);
    shared.middle = floats(t * h);
    shared.activated = floats(t * i_);
  }
  for (int l = 0; l < c_.layers; l++) {
    LayerMemory m = job_.train ? of_block(e_.layers_[l], e_.memory_.layers[l]) : shared;
    if (!job_.train || c_.bf16) {
      m.input = inputs[l % 2];
      m.first = shared.first;
      m.context = shared.context;
      m.middle = shared.middle;
      m.activated = shared.activated;
    }
    layers_.push_back(m);
  }
  const ChunkMemory& m = e_.memory_;
  const size_t first = job_.block.first_token, sequence = job_.block.first_sequence;
  const bool in_scratch = !job_.train || c_.bf16;
  embedded_ = !e_.projection_ ? layers_[0].input
              : in_scratch    ? floats(t * e)
                              : m.embedded + first * e;
  pooler_input_ = in_scratch ? floats(s * h) : m.pooler_input + sequence * h;
  pooled_ = floats(s * h);
  logits_.resize(c_.labels);
  dlogits_row_.resize(c_.labels);
  pooler_dropout_ = Dropout::with_rate(job_.train ? c_.dropout_pooler : 0, job_.key);
  classifier_dropout_ = Dropout::with_rate(job_.train ? c_.dropout_classifier : 0, job_.key);
  if (!job_.train) {
    pooler_slope_ = nullptr;
    classifier_input_ = floats(s * h);
    return;
  }
  pooler_slope_ = m.pooler_slope + sequence * h;
  classifier_input_ = m.classifier_input + sequence * h;
  embedding_norm_ = {m.embedding_norm.centred + first * e, m.embedding_norm.inverse_deviation + first};
  mask_embedding_ = m.mask_embedding + first * e / kWidth;
  mask_pooler_ = m.mask_pooler + sequence * h / kWidth;
  mask_classifier_ = m.mask_classifier + sequence * h / kWidth;
}

// Sum of word, position and token type vectors, norm, dropout; with a projection, that too.
void Pass::embed() {
  const int e = c_.embedding;
  const Batch& batch = job_.batch;
  for (const Sequence& sequence : job_.block.sequences) {
    const int64_t start = batch.start[sequence.row];
    int position = c_.offset;
    for (int n = 0; n < sequence.tokens; n++) {
      const int word = batch.ids[start + n], type = batch.types ? batch.types[start + n] : 0;
      // RoBERTa counts positions over the words that are no padding; such stands on its own number.
      const bool counted = c_.offset == 0 || word != c_.padding;
      const int at = counted ? position++ : c_.padding;
      assert(word >= 0 && word < c_.vocabulary && at < c_.positions);
      assert(c_.types == 0 || (type >= 0 && type < c_.types));
      const float* w = words_ + (size_t)word * e;
      const float* p = p_ + e_.positions_ + (size_t)at * e;
      const float* y = c_.types ? p_ + e_.types_ + (size_t)type * e : nullptr;
      const size_t row = sequence.first + n;
      for (int j = 0; j < e; j += kWidth)
        store(u_ + j, (y ? load(w + j) + load(y + j) : load(w + j)) + load(p + j));
      normalise(e, u_, norm(e_.embedding_norm_),
                job_.train ? embedding_norm_.centred + row * e : nullptr,
                job_.train ? embedding_norm_.inverse_deviation + row : nullptr,
                embedded_ + row * e);
    }
  }
  mask_embedding_ = draw(hidden_, 4 * c_.layers, (size_t)t_ * e, mask_embedding_);
  if (mask_embedding_) drop_in_place((size_t)t_ * e, embedded_, mask_embedding_, hidden_.scale());
  if (e_.projection_) forward(*e_.projection_, false, embedded_, layers_[0].input);
}

Head Pass::head(const Layer& layer, const LayerMemory& m, int sequence, int number) const {
  const Sequence& q = job_.block.sequences[sequence];
  const size_t stride = (layer.last ? 2 : 3) * (size_t)h_, column = (size_t)number * d_;
  float* row = m.qkv + q.first * stride + column;
  Head head{};
  head.queries = layer.last ? 1 : q.tokens;
  head.tokens = q.tokens;
  head.width = d_;
  head.query = layer.last ? Strided<float>{m.query + (size_t)sequence * h_ + column, (size_t)h_}
                          : Strided<float>{row, stride};
  head.key_value = {layer.last ? row : row + h_, stride};
  head.value = head.key_value.data + h_;
  head.scale = 1.f / std::sqrt((float)d_);
  head.mask = m.mask_attention
                  ? m.mask_attention + probability_at(layer, head, sequence, number) / kWidth
                  : nullptr;
  head.keep_scale = attention_.scale();
  return head;
}

// middle = norm(input + dropout(attention(input)))
void Pass::attend_all(int l) {
  const Layer& layer = e_.layers_[l];
  LayerMemory& m = layers_[l];
  forward(*layer.query_key_value, false, m.input, m.qkv);
  if (layer.last) {
    for (int s = 0; s < s_; s++)
      memcpy(m.first + (size_t)s * h_, m.input + (size_t)job_.block.sequences[s].first * h_,
             h_ * sizeof(float));
    forward(*layer.query, true, m.first, m.query);
  }
  m.mask_attention = draw(attention_, 4 * l, job_.block.probabilities[layer.last] * kWidth,
                          m.mask_attention);
  for (int s = 0; s < s_; s++)
    for (int a = 0; a < c_.heads; a++) {
      const Head one = head(layer, m, s, a);
      const size_t row = layer.last ? s : job_.block.sequences[s].first;
      attend(one, m.probabilities + probability_at(layer, one, s, a), head_scratch_,
             {m.context + row * h_ + (size_t)a * d_, (size_t)h_});
    }
  forward(*layer.attention, layer.last, m.context, u_);
  m.mask1 = draw(hidden_, 4 * l + 1, (size_t)rows(layer) * h_, m.mask1);
  drop_add_normalise(rows(layer), h_, u_, m.mask1, hidden_.scale(),
                     layer.last ? m.first : m.input, norm(layer.attention_norm), m.norm1, m.middle);
}

// out = norm(middle + dropout(W GELU(W middle)))
void Pass::feed_forward(int l, float* out) {
  const Layer& layer = e_.layers_[l];
  LayerMemory& m = layers_[l];
  forward(*layer.intermediate, layer.last, m.middle, u_);
  gelu((size_t)rows(layer) * i_, u_, m.activated, m.slope);
  forward(*layer.output, layer.last, m.activated, u_);
  m.mask2 = draw(hidden_, 4 * l + 2, (size_t)rows(layer) * h_, m.mask2);
  drop_add_normalise(rows(layer), h_, u_, m.mask2, hidden_.scale(), m.middle,
                     norm(layer.output_norm), m.norm2, out);
}

// Pooler, activation, dropout, classifier; returns the sum of the losses.
double Pass::classify(float* x) {
  const size_t count = (size_t)s_ * h_;
  mask_pooler_ = draw(pooler_dropout_, 4 * c_.layers + 2, count, mask_pooler_);
  if (mask_pooler_) drop_in_place(count, x, mask_pooler_, pooler_dropout_.scale());
  forward(*e_.pooler_, true, x, pooled_);
  if (c_.pooler == kGelu) {
    gelu(count, pooled_, classifier_input_, pooler_slope_);
  } else {
    for (size_t j = 0; j < count; j += kWidth) {
      Vec v = load(pooled_ + j), slope;
      if (c_.pooler == kTanh) {
        v = tanh(v);
        slope = fma(v, zero() - v, all(1.f));
      } else {
        slope = step_function(v);
        v = larger(zero(), v);
      }
      store(classifier_input_ + j, v);
      if (pooler_slope_) store(pooler_slope_ + j, slope);
    }
  }
  mask_classifier_ = draw(classifier_dropout_, 4 * c_.layers + 1, count, mask_classifier_);
  if (mask_classifier_)
    drop_in_place(count, classifier_input_, mask_classifier_, classifier_dropout_.scale());
  double loss = 0;
  const int k = c_.labels;
  for (int s = 0; s < s_; s++) {
    const float* x = classifier_input_ + (size_t)s * h_;
    for (int label = 0; label < k; label++) {
      const float* w = p_ + e_.classifier_weight_ + (size_t)label * h_;
      Vec along = zero();
      for (int j = 0; j < h_; j += kWidth) along = fma(load(x + j), load(w + j), along);
      logits_[label] = sum(along) + p_[e_.classifier_bias_ + label];
    }
    const int row = job_.block.sequences[s].row;
    if (job_.logits) memcpy(job_.logits + (size_t)row * k, logits_.data(), k * sizeof(float));
    if (job_.train)
      loss += row_loss(s, logits_.data(),
                       e_.memory_.dlogits + ((size_t)job_.block.first_sequence + s) * k);
  }
  return loss;
}

// The loss of one row, and the gradient of the step's mean loss at its logits.
double Pass::row_loss(int sequence, const float* logits, float* dlogits) const {
  const float target = job_.batch.targets[job_.block.sequences[sequence].row];
  if (c_.regression) {
    const double error = (double)logits[0] - target;
    dlogits[0] = (float)(2 * error) * job_.inverse_rows;
    return error * error;
  }
  const int label = (int)target;
  assert(label >= 0 && label < c_.labels);
  const double top = *std::max_element(logits, logits + c_.labels);
  double total = 0;
  for (int i = 0; i < c_.labels; i++) total += std::exp(logits[i] - top);
  for (int i = 0; i < c_.labels; i++) {
    const double probability = std::exp(logits[i] - top) / total;
    dlogits[i] = (float)((probability - (i == label)) * job_.inverse_rows);
  }
  return top + std::log(total) - logits[label];
}

double Pass::forward() {
  embed();
  for (int l = 0; l < c_.layers; l++) {
    attend_all(l);
    feed_forward(l, l + 1 < c_.layers ? layers_[l + 1].input : pooler_input_);
  }
  return classify(pooler_input_);
}

}  // namespace glueharness
