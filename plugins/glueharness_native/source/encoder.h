// The encoder with its head: forward and backward pass of one block of sequences.
//
// Sequences lie one after the other without padding. The classifier reads only position 0, so the
// last layer computes queries, attention's output, feed-forward part and norms for that position
// alone. A block is worked off by one thread from the embeddings to the loss and back, so that its
// activations stay in that core's cache. What the gradients of the weights need is kept for all
// blocks of a chunk (Linear::x and dy) and summed afterwards (engine.cpp).
//
// Shapes: t = tokens of a block, s = its sequences, h = hidden, e = embedding, i = intermediate,
// k = labels; r = t, but s in the last layer.
#pragma once
#include <vector>

#include "attention.h"
#include "dropout.h"
#include "linear.h"
#include "plan.h"
#include "row_operations.h"

namespace glueharness {

struct Norm {
  size_t weight, bias;
  int width;
  int number;  // among all norms: the embeddings' is 0
};

struct Layer {
  Linear *query_key_value;  // [3h, h]; in the last layer keys and values only, [2h, h]
  Linear *query;            // last layer only, [h, h]
  Linear *attention, *intermediate, *output;
  Norm attention_norm, output_norm;
  bool last;
};

// What is kept of a layer: of a whole chunk, or (shifted) of one block.
struct LayerMemory {
  float *input;          // [t, h] what the layer gets
  float *first;          // [s, h] last layer only: its rows of position 0
  float *qkv;            // [t, 3h], last layer: keys and values [t, 2h]; later their gradients
  float *query;          // [s, h] last layer only
  float *probabilities;  // of attention, before dropout
  float *context;        // [r, h] what attention gives
  KeptByNorm norm1;      // [r, h], [r]; later gradients
  float *middle;         // [r, h] between attention and feed-forward part
  float *slope;          // [r, i] of GELU; later gradients
  float *activated;      // [r, i] after GELU
  KeptByNorm norm2;      // [r, h], [r]; later gradients
  uint16_t *mask_attention, *mask1, *mask2;
};

// What is kept of a chunk besides.
struct ChunkMemory {
  std::vector<LayerMemory> layers;
  float* embedded;            // [t, e] after norm and dropout; only with a projection
  KeptByNorm embedding_norm;  // [t, e], [t]; later the gradients of the embeddings' sums
  uint16_t *mask_embedding, *mask_pooler, *mask_classifier;
  float *pooler_input;      // [s, h]
  float *pooler_slope;      // [s, h] of its activation; later gradients
  float *classifier_input;  // [s, h]
  float *dlogits;           // [s, k]
  float *norm_gradients;    // [blocks, norms, 2, h]
};

// What a block is computed with.
struct Job {
  const Batch& batch;
  const Block& block;
  int block_in_chunk;
  bool train;
  uint64_t key;         // of dropout's random numbers, for this step
  float inverse_rows;   // 1 / rows of the step
  Arena& scratch;
  float* logits;        // [rows of the batch, k]; null: not wanted
};

class Encoder {
 public:
  Encoder(const Config& config, const Layout& layout);

  // Makes room for what training keeps of a chunk.
  void prepare(const Chunk& chunk, Arena& kept);
  // Forward pass and, in training, backward pass; returns the sum of the rows' losses.
  double run(const float* parameters, const float* words, const Job& job) const;

  const std::vector<std::unique_ptr<Linear>>& linears() const { return linears_; }
  const std::vector<Norm>& norms() const { return norms_; }
  const ChunkMemory& memory() const { return memory_; }

 private:
  friend class Pass;
  Linear* add_linear(const Layout& layout, const std::string& name, size_t from, size_t outputs);
  Norm add_norm(const Layout& layout, const std::string& name);
  size_t kept_bytes(const Chunk& chunk) const;
  size_t scratch_bytes(const Block& block) const;

  const Config config_;
  std::vector<std::unique_ptr<Linear>> linears_;
  std::vector<Norm> norms_;
  std::vector<Layer> layers_;
  Norm embedding_norm_;
  Linear *projection_ = nullptr, *pooler_ = nullptr;
  size_t positions_, types_ = 0, classifier_weight_, classifier_bias_;
  ChunkMemory memory_;
};

}  // namespace glueharness
