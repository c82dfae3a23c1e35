// Memory that is handed out piece by piece, and as a whole begun anew.
#pragma once
#include <cassert>
#include <cstdlib>
#include <new>

namespace glueharness {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  ~Arena() { free(base_); }

  // Begins anew with room for at least so many bytes. What was handed out is void.
  void begin(size_t bytes) {
    used_ = 0;
    if (bytes <= size_) return;
    free(base_);
    base_ = nullptr;
    size_ = 0;
    const size_t wanted = (bytes + bytes / 8 + kPage - 1) / kPage * kPage;
    base_ = static_cast<char*>(aligned_alloc(kAlignment, wanted));
    if (!base_) throw std::bad_alloc();
    size_ = wanted;
  }
  // `count` elements, their values undefined.
  template <class T>
  T* take(size_t count) {
    T* found = reinterpret_cast<T*>(base_ + used_);
    used_ += bytes_for<T>(count);
    if (used_ > size_) throw std::bad_alloc();  // a mistake in a sum of sizes must not pass
    return found;
  }
  template <class T>
  static constexpr size_t bytes_for(size_t count) {
    return (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
  }
  // Where take stands, to go back to with release.
  size_t mark() const { return used_; }
  void release(size_t mark) { used_ = mark; }

 private:
  static constexpr size_t kAlignment = 64, kPage = 1 << 16;
  char* base_ = nullptr;
  size_t size_ = 0, used_ = 0;
};

}  // namespace glueharness
