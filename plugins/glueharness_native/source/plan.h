// How the rows of a step are shared out.
//
// A step's rows are worked off in chunks, one after the other, each small enough to keep what the
// backward pass needs. A chunk is split into blocks of whole sequences; threads take blocks. The
// plan follows from the batch and the model alone, never from the number of threads.
#pragma once
#include <vector>

#include "shapes.h"

namespace glueharness {

struct Sequence {
  int row;               // of the batch
  int tokens;            // n
  int first;             // its first token, counted in its block
  // Where its attention's probabilities begin in its block, in 16 floats: in all layers but the
  // last, which has one query a sequence, and in that.
  size_t probabilities[2];
};
struct Block {
  std::vector<Sequence> sequences;
  int number = 0;  // counted over the whole step
  int tokens = 0, longest = 0;
  size_t probabilities[2] = {0, 0};  // of all heads, in 16 floats
  // Where the block begins in what its chunk keeps:
  int first_token = 0, first_sequence = 0;
  size_t first_probability[2] = {0, 0};
};
struct Chunk {
  std::vector<Block> blocks;
  int tokens = 0, sequences = 0;  // in bfloat16, each block's rounded up to an even number
  size_t probabilities[2] = {0, 0};
};
struct Plan {
  std::vector<Chunk> chunks;
  int blocks = 0, longest = 0;
};

// Refuses (std::invalid_argument) rows that would be read or written outside of the tables.
void check_batch(const Config& config, const Batch& batch);

// `room`: bytes that a chunk may keep; one sequence is always taken.
Plan make_plan(const Config& config, const Batch& batch, size_t room);

// Bytes that training keeps of a sequence of so many tokens.
size_t kept_bytes(const Config& config, int tokens);

// The different words of a batch, and where each stands.
class Words {
 public:
  void find(const Config& config, const Batch& batch);
  const std::vector<int>& ids() const { return ids_; }
  // For each token of row i, the number of its word in ids(): from number(i) on.
  const int* numbers(int row) const { return &numbers_[first_[row]]; }

 private:
  std::vector<int> ids_, numbers_, slot_;
  std::vector<size_t> first_;
};

}  // namespace glueharness
