#include "encoder.h"

#include "pass.h"

namespace glueharness {

Linear* Encoder::add_linear(const Layout& layout, const std::string& name, size_t from,
                            size_t outputs) {
  const Place &weight = layout.find(name + ".weight"), &bias = layout.find(name + ".bias");
  const size_t count = outputs ? outputs : weight.rows;
  assert(from + count <= weight.rows);
  linears_.push_back(std::make_unique<Linear>((int)count, (int)weight.columns,
                                              weight.at + from * weight.columns, bias.at + from,
                                              config_.bf16 != 0));
  return linears_.back().get();
}

Norm Encoder::add_norm(const Layout& layout, const std::string& name) {
  const Place &weight = layout.find(name + ".weight"), &bias = layout.find(name + ".bias");
  norms_.push_back({weight.at, bias.at, (int)weight.columns, (int)norms_.size()});
  return norms_.back();
}

Encoder::Encoder(const Config& config, const Layout& layout) : config_(config) {
  const size_t h = config.hidden;
  embedding_norm_ = add_norm(layout, "embedding_norm");
  positions_ = layout.find("positions").at;
  if (config.types) types_ = layout.find("types").at;
  if (config.embedding != config.hidden) projection_ = add_linear(layout, "projection", 0, 0);
  for (int l = 0; l < config.layers; l++) {
    const std::string name = std::to_string(l) + ".";
    Layer layer{};
    layer.last = l == config.layers - 1;
    layer.query_key_value = add_linear(layout, name + "qkv", layer.last ? h : 0,
                                       layer.last ? 2 * h : 3 * h);
    if (layer.last) layer.query = add_linear(layout, name + "qkv", 0, h);
    layer.attention = add_linear(layout, name + "attention", 0, 0);
    layer.intermediate = add_linear(layout, name + "intermediate", 0, 0);
    layer.output = add_linear(layout, name + "output", 0, 0);
    layer.attention_norm = add_norm(layout, name + "attention_norm");
    layer.output_norm = add_norm(layout, name + "output_norm");
    layers_.push_back(layer);
  }
  pooler_ = add_linear(layout, "pooler", 0, 0);
  classifier_weight_ = layout.find("classifier.weight").at;
  classifier_bias_ = layout.find("classifier.bias").at;
}

// An upper bound of what prepare takes.
size_t Encoder::kept_bytes(const Chunk& chunk) const {
  const size_t t = chunk.tokens, s = chunk.sequences, h = config_.hidden, i = config_.intermediate;
  const size_t probabilities = chunk.probabilities[0] + chunk.probabilities[1];
  const size_t layer = (t * (8 * h + 2 * i) + 3 * s * h + 4 * t + kWidth * probabilities) * 4 +
                       (probabilities + t * h / 8) * 2;
  const size_t rest = (t * (3 * (size_t)config_.embedding + 2) +
                       s * (8 * h + 2 * (size_t)config_.labels) +
                       chunk.blocks.size() * norms_.size() * 2 * h) * 4;
  size_t pairs = 0;
  if (config_.bf16)
    for (const auto& l : linears_) pairs += (t + 2) / 2 * (l->inputs + l->outputs) * sizeof(Pair);
  return config_.layers * layer + rest + pairs + 64 * 32 * (config_.layers + 2);
}

void Encoder::prepare(const Chunk& chunk, Arena& kept) {
  kept.begin(kept_bytes(chunk));
  const size_t t = chunk.tokens, s = chunk.sequences, h = config_.hidden, i = config_.intermediate;
  const size_t e = config_.embedding;
  auto floats = [&](size_t count) { return kept.take<float>(count); };
  auto mask = [&](size_t count) { return kept.take<uint16_t>((count + kWidth - 1) / kWidth); };
  // With float32 the inputs and the outputs' gradients lie where they are computed; with bfloat16
  // they are converted, and the inputs themselves are not kept.
  auto link = [&](Linear& l, size_t rows, float** x, float* dy) {
    l.rows = (int)rows;
    l.dy = dy;
    l.x = *x = config_.bf16 ? nullptr : floats(rows * l.inputs);
    l.x16 = config_.bf16 ? kept.take<Pair>(rows / 2 * l.inputs) : nullptr;
    l.dy16 = config_.bf16 ? kept.take<Pair>(rows / 2 * l.outputs) : nullptr;
  };
  auto norm = [&](size_t rows, size_t width) { return KeptByNorm{floats(rows * width), floats(rows)}; };
  memory_.layers.assign(config_.layers, {});
  for (int l = 0; l < config_.layers; l++) {
    const Layer& layer = layers_[l];
    LayerMemory& m = memory_.layers[l];
    const size_t r = layer.last ? s : t;
    m.qkv = floats(t * (layer.last ? 2 : 3) * h);
    m.query = layer.last ? floats(s * h) : nullptr;
    m.probabilities = floats(chunk.probabilities[layer.last] * kWidth);
    m.norm1 = norm(r, h);
    m.norm2 = norm(r, h);
    m.slope = floats(r * i);
    m.mask_attention = kept.take<uint16_t>(chunk.probabilities[layer.last]);
    m.mask1 = mask(r * h);
    m.mask2 = mask(r * h);
    link(*layer.query_key_value, t, &m.input, m.qkv);
    if (layer.last) link(*layer.query, s, &m.first, m.query);
    link(*layer.attention, r, &m.context, m.norm1.centred);
    link(*layer.intermediate, r, &m.middle, m.slope);
    link(*layer.output, r, &m.activated, m.norm2.centred);
  }
  memory_.embedding_norm = norm(t, e);
  memory_.mask_embedding = mask(t * e);
  if (projection_) {
    // The gradient at its output is that of the first layer's input.
    link(*projection_, t, &memory_.embedded, floats(t * h));
  }
  memory_.pooler_slope = floats(s * h);
  link(*pooler_, s, &memory_.pooler_input, memory_.pooler_slope);
  memory_.classifier_input = floats(s * h);
  memory_.dlogits = floats(s * config_.labels);
  memory_.mask_pooler = mask(s * h);
  memory_.mask_classifier = mask(s * h);
  memory_.norm_gradients = floats(chunk.blocks.size() * norms_.size() * 2 * h);
}

// An upper bound of what a block takes while it is computed.
size_t Encoder::scratch_bytes(const Block& block) const {
  const size_t t = block.tokens + 1, h = config_.hidden, i = config_.intermediate;
  const size_t wide = std::max(3 * h, i), d = h / config_.heads;
  const size_t floats = t * (2 * wide + 14 * h + i + config_.embedding + config_.labels) +
                        block.probabilities[0] * kWidth + block.probabilities[1] * kWidth +
                        head_scratch(block.longest, block.longest, (int)d);
  return floats * 4 + Arena::bytes_for<Pair>(t * wide) + (64 * 64);
}

double Encoder::run(const float* parameters, const float* words, const Job& job) const {
  job.scratch.begin(scratch_bytes(job.block));
  Pass pass(*this, parameters, words, job);
  const double loss = pass.forward();
  if (job.train) pass.backward();
  return loss;
}

}  // namespace glueharness
