// What a model looks like, where its parameters lie, and what a batch is. The structs that cross
// the border to Python are mirrored in library.py, which compares their sizes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace glueharness {

// Names as in Devlin et al. 2019 (https://arxiv.org/abs/1810.04805) and Vaswani et al. 2017.
struct Config {
  int32_t layers;        // L
  int32_t hidden;        // H, a multiple of 16
  int32_t embedding;     // E, width of the embeddings: H, or less and projected to H (ELECTRA)
  int32_t heads;         // A; H / A is a multiple of 16
  int32_t intermediate;  // width inside of the feed-forward part, a multiple of 16
  int32_t vocabulary;    // V
  int32_t positions;     // rows of the position table
  int32_t types;         // rows of the token type table; 0: there is none
  int32_t labels;        // k, outputs
  int32_t regression;    // 1: one output and the squared error; 0: cross-entropy
  int32_t pooler;        // activation between the pooler and the classifier: see Activation
  int32_t padding;       // word whose vector gets no gradient; -1: none
  int32_t offset;        // position of the first token: 0, or the padding's id + 1 (RoBERTa)
  int32_t bf16;          // 1: matrix products of weights in bfloat16, sums in float32
  int32_t threads;
  float epsilon;             // of layer normalisation
  float dropout_hidden;      // rates of dropout
  float dropout_attention;
  float dropout_pooler;      // before the pooler
  float dropout_classifier;  // before the classifier
};
enum Activation : int32_t { kTanh = 0, kGelu = 1, kRelu = 2 };

// Rows of a batch. The tokens of row i are ids[start[i]] to ids[start[i] + length[i] - 1].
struct Batch {
  int32_t rows;
  const int64_t* start;   // [rows]
  const int32_t* length;  // [rows], each at least 1
  const int32_t* ids;     // token ids
  const int8_t* types;    // token types, in the same places; null: all 0
  const float* targets;   // [rows]: label numbers, or scores; null: none are needed
};

// Where each parameter lies in the flat array, in floats. Word vectors lie in a table of their own.
struct Place {
  std::string name;
  size_t at, rows, columns;
};
class Layout {
 public:
  explicit Layout(const Config& c) {
    const size_t h = c.hidden, i = c.intermediate, e = c.embedding;
    for (int l = 0; l < c.layers; l++) {
      const std::string layer = std::to_string(l) + ".";
      linear(layer + "qkv", 3 * h, h);  // queries, keys and values in one product
      linear(layer + "attention", h, h);
      norm(layer + "attention_norm", h);
      linear(layer + "intermediate", i, h);
      linear(layer + "output", h, i);
      norm(layer + "output_norm", h);
    }
    add("positions", c.positions, e);
    if (c.types) add("types", c.types, e);
    norm("embedding_norm", e);
    if (e != h) linear("projection", h, e);
    linear("pooler", h, h);
    linear("classifier", c.labels, h);
  }
  const Place& find(const std::string& name) const {
    for (const Place& place : places_)
      if (place.name == name) return place;
    throw std::invalid_argument("no parameter " + name);
  }
  size_t size() const { return size_; }
  const std::vector<Place>& places() const { return places_; }

 private:
  void linear(const std::string& name, size_t outputs, size_t inputs) {
    add(name + ".weight", outputs, inputs);
    add(name + ".bias", 1, outputs);
  }
  void norm(const std::string& name, size_t width) {
    add(name + ".weight", 1, width);
    add(name + ".bias", 1, width);
  }
  void add(const std::string& name, size_t rows, size_t columns) {
    places_.push_back({name, size_, rows, columns});
    size_ += (rows * columns + 15) / 16 * 16;
  }
  std::vector<Place> places_;
  size_t size_ = 0;
};

}  // namespace glueharness
