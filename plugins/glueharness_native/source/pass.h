// One block on its way through the model: forward.cpp has the way there, backward.cpp that back.
#pragma once
#include "encoder.h"

namespace glueharness {

class Pass {
 public:
  Pass(const Encoder& encoder, const float* parameters, const float* words, const Job& job)
      : e_(encoder), c_(encoder.config_), p_(parameters), words_(words), job_(job),
        t_(job.block.tokens), s_((int)job.block.sequences.size()), h_(c_.hidden),
        i_(c_.intermediate), d_(h_ / c_.heads),
        hidden_(Dropout::with_rate(job.train ? c_.dropout_hidden : 0, job.key)),
        attention_(Dropout::with_rate(job.train ? c_.dropout_attention : 0, job.key)) {
    u_ = floats((size_t)t_ * std::max(h_, i_));
    head_scratch_ = floats(head_scratch(job.block.longest, job.block.longest, d_));
    lay_out();
  }
  double forward();
  void backward();

 private:
  float* floats(size_t count) { return job_.scratch.take<float>(count); }
  void lay_out();
  LayerMemory of_block(const Layer& layer, const LayerMemory& chunk) const;
  void embed();
  void attend_all(int l);
  void feed_forward(int l, float* out);
  double classify(float* pooler_input);
  double row_loss(int sequence, const float* logits, float* dlogits) const;
  void classify_backward(float* dx);
  void feed_forward_backward(int l, const float* dx, float* dmiddle, float* wide);
  void attention_backward(int l, const float* dmiddle, float* dx, float* wide);
  Head head(const Layer& layer, const LayerMemory& m, int sequence, int number) const;
  size_t probability_at(const Layer& layer, const Head& head, int sequence, int number) const {
    return job_.block.sequences[sequence].probabilities[layer.last] * kWidth +
           (size_t)number * head.queries * head.padded();
  }
  int rows(const Layer& layer) const { return layer.last ? s_ : t_; }
  int kept(bool by_sequence) const {
    return !job_.train ? -1 : by_sequence ? job_.block.first_sequence : job_.block.first_token;
  }
  NormParameters norm(const Norm& n) const { return {p_ + n.weight, p_ + n.bias, c_.epsilon}; }
  NormGradients gradients(const Norm& n) const {
    float* at = e_.memory_.norm_gradients +
                ((size_t)job_.block_in_chunk * e_.norms_.size() + n.number) * 2 * h_;
    return {at, at + h_};
  }
  // Draws a mask of `count` elements for one place in the model; null where nothing is dropped.
  uint16_t* draw(const Dropout& dropout, int stream, size_t count, uint16_t* mask) const {
    if (!dropout.active()) return nullptr;
    draw_mask(dropout, (uint32_t)stream, (uint32_t)job_.block.number, count / kWidth, mask);
    return mask;
  }
  void forward(const Linear& l, bool by_sequence, const float* x, float* y) const {
    l.forward(p_, by_sequence ? s_ : t_, kept(by_sequence), x, y, job_.scratch);
  }
  void backward(const Linear& l, bool by_sequence, const float* dy, float* dx, bool add) const {
    l.backward(by_sequence ? s_ : t_, kept(by_sequence), dy, dx, add, job_.scratch);
  }

  const Encoder& e_;
  const Config& c_;
  const float *p_, *words_;
  const Job& job_;
  const int t_, s_, h_, i_, d_;
  const Dropout hidden_, attention_;
  Dropout pooler_dropout_, classifier_dropout_;
  std::vector<LayerMemory> layers_;
  float *u_;             // [t, max(h, i)] what a linear layer gives, before it is normalised
  float *head_scratch_;
  float *embedded_, *pooler_input_, *pooled_, *pooler_slope_, *classifier_input_;
  KeptByNorm embedding_norm_{};
  uint16_t *mask_embedding_ = nullptr, *mask_pooler_ = nullptr, *mask_classifier_ = nullptr;
  std::vector<float> logits_, dlogits_row_;
};

}  // namespace glueharness
