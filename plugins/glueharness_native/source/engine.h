// Training steps and evaluation of an encoder whose parameters belong to the caller.
//
// A step has four parallel parts. Each splits its *output* among the threads and never a sum, so
// that results do not depend on their number, and no gradient has to be reduced across threads:
//   1 prepare  pack the weights; bring the batch's word vectors up to date
//   2 blocks   forward and backward pass, a block of whole sequences at a time (encoder.h)
//   3 sums     each tile of a weight's gradient is summed over all rows by one thread
//   4 update   AdamW
// Parts 2 and 3 are done for one chunk of the rows after the other.
#pragma once
#include "adamw.h"
#include "encoder.h"
#include "thread_pool.h"

namespace glueharness {

// The caller's arrays. All but `parameters` and `words` may be null where nothing is trained.
struct Arrays {
  float *parameters, *first_moments, *second_moments;         // flat, see Layout
  float *words, *word_first_moments, *word_second_moments;    // [V, E]
  int64_t* word_steps;                                        // [V] step of which each row is
};

// A stretch of the flat parameters that shares its decay and its share of the learning rate.
struct Segment {
  int64_t begin, end;
  float decay, rate_factor;
};

struct Optimiser {
  AdamWConstants constants;
  int32_t segments, steps;
  const Segment* segment;
  const double* rates;  // [steps] learning rate of each
  float word_rate_factor;
};

class Engine {
 public:
  Engine(const Config& config, const Arrays& arrays);

  // Sets the schedule; `done` steps of it are over.
  void train_with(const Optimiser& optimiser, int done);
  // One step over all rows of the batch: returns their mean loss, and the norm of its gradient.
  // Without update, the gradients are computed and nothing is moved.
  double step(const Batch& batch, uint64_t key, bool update, float* norm, float* logits);
  // Logits [rows, k] of all rows.
  void evaluate(const Batch& batch, float* logits);
  // Brings all word vectors up to date.
  void flush();
  // To be told when the caller has written to the parameters.
  void parameters_changed() { packed_forward_ = packed_backward_ = false; }

  const std::vector<float>& gradients() const { return gradients_; }
  void copy_word_gradients(float* out) const;  // [V, E]

 private:
  struct Task;
  void prepare(bool train);
  std::vector<Task> gradient_tasks() const;
  double sum_part(const Task& task, const Chunk& chunk, bool first);
  double sum_types_and_classifier(const Chunk& chunk, bool first);
  void index_words(const Chunk& chunk);
  void update(float clip);
  int position_of(const Sequence& sequence, int token, int* count) const;

  const Config config_;
  const Layout layout_;
  const Arrays arrays_;
  Encoder encoder_;
  ThreadPool pool_;
  AdamWConstants constants_{};
  std::vector<Segment> segments_;
  std::vector<double> rates_;
  SkippedSteps skipped_;
  bool packed_forward_ = false, packed_backward_ = false;

  // The step in hand.
  Batch batch_{};
  Plan plan_;
  Words words_;
  std::vector<float> gradients_, word_gradients_;      // flat; [u, E] for the batch's words
  std::vector<int> word_begin_, word_rows_;            // rows of the chunk where each word stands
  std::vector<int> position_begin_, position_rows_;    // and where each position does
  Arena kept_;
  std::vector<Arena> scratch_;
};

}  // namespace glueharness
