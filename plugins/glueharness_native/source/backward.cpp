// The backward pass of a block. Gradients take the places of what the forward pass kept, as soon as
// that is not needed any more.
#include "pass.h"

namespace glueharness {

// From the logits' gradients to that of the last layer's output, dx [s, h].
void Pass::classify_backward(float* dx) {
  const size_t count = (size_t)s_ * h_;
  float* din = pooled_;  // not needed any more
  const float* dlogits = e_.memory_.dlogits + (size_t)job_.block.first_sequence * c_.labels;
  for (int s = 0; s < s_; s++)
    for (int j = 0; j < h_; j += kWidth) {
      Vec v = zero();
      for (int k = 0; k < c_.labels; k++)
        v = fma(all(dlogits[s * c_.labels + k]),
                load(p_ + e_.classifier_weight_ + (size_t)k * h_ + j), v);
      store(din + (size_t)s * h_ + j, v);
    }
  if (mask_classifier_) drop_in_place(count, din, mask_classifier_, classifier_dropout_.scale());
  multiply_in_place(count, pooler_slope_, din);
  backward(*e_.pooler_, true, pooler_slope_, dx, false);
  if (mask_pooler_) drop_in_place(count, dx, mask_pooler_, pooler_dropout_.scale());
}

// From dx [r, h] at the layer's output to dmiddle [r, h].
void Pass::feed_forward_backward(int l, const float* dx, float* dmiddle, float* wide) {
  const Layer& layer = e_.layers_[l];
  const LayerMemory& m = layers_[l];
  const int r = rows(layer);
  normalise_backward(r, h_, dx, m.norm2, p_ + layer.output_norm.weight,
                     gradients(layer.output_norm), dmiddle, m.mask2, hidden_.scale(),
                     m.norm2.centred);
  backward(*layer.output, layer.last, m.norm2.centred, wide, false);
  multiply_in_place((size_t)r * i_, m.slope, wide);
  backward(*layer.intermediate, layer.last, m.slope, dmiddle, true);
}

// From dmiddle [r, h] to dx at the layer's input: [t, h], but in the last layer [s, h] of the rows
// of position 0, to which what comes through keys and values is added in `backward`.
void Pass::attention_backward(int l, const float* dmiddle, float* dx, float* wide) {
  const Layer& layer = e_.layers_[l];
  const LayerMemory& m = layers_[l];
  normalise_backward(rows(layer), h_, dmiddle, m.norm1, p_ + layer.attention_norm.weight,
                     gradients(layer.attention_norm), dx, m.mask1, hidden_.scale(),
                     m.norm1.centred);
  backward(*layer.attention, layer.last, m.norm1.centred, wide, false);
  for (int s = 0; s < s_; s++)
    for (int a = 0; a < c_.heads; a++) {
      const Head one = head(layer, m, s, a);
      const size_t row = layer.last ? s : job_.block.sequences[s].first;
      attend_backward(one, m.probabilities + probability_at(layer, one, s, a), head_scratch_,
                      {wide + row * h_ + (size_t)a * d_, (size_t)h_});
    }
  if (layer.last)
    backward(*layer.query, true, m.query, dx, true);
  else
    backward(*layer.query_key_value, false, m.qkv, dx, true);
}

void Pass::backward() {
  const int e = c_.embedding;
  float *dx = floats((size_t)t_ * h_), *other = floats((size_t)t_ * h_);
  float* wide = floats((size_t)t_ * std::max(h_, i_));
  for (const Norm& n : e_.norms_) memset(gradients(n).dgain, 0, 2 * h_ * sizeof(float));
  classify_backward(dx);
  for (int l = c_.layers - 1; l >= 0; l--) {
    const Layer& layer = e_.layers_[l];
    feed_forward_backward(l, dx, other, wide);
    attention_backward(l, other, dx, wide);
    if (!layer.last) continue;
    backward(*layer.query_key_value, false, layers_[l].qkv, other, false);
    for (int s = 0; s < s_; s++)
      add_to(h_, other + (size_t)job_.block.sequences[s].first * h_, dx + (size_t)s * h_);
    std::swap(dx, other);
  }
  float* dembedded = dx;
  if (e_.projection_) {
    float* dy = e_.projection_->dy + (size_t)job_.block.first_token * h_;
    memcpy(dy, dx, (size_t)t_ * h_ * sizeof(float));
    dembedded = other;
    backward(*e_.projection_, false, dy, dembedded, false);
  }
  if (mask_embedding_) drop_in_place((size_t)t_ * e, dembedded, mask_embedding_, hidden_.scale());
  normalise_backward(t_, e, dembedded, embedding_norm_, p_ + e_.embedding_norm_.weight,
                     gradients(e_.embedding_norm_), embedding_norm_.centred, nullptr, 1.f, nullptr);
}

}  // namespace glueharness
