// Threads that work off numbered tasks. Which thread takes a task never changes a result.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace glueharness {

class ThreadPool {
 public:
  explicit ThreadPool(int threads) : threads_(threads) {
    for (int i = 1; i < threads; i++) helpers_.emplace_back([this, i] { help(i); });
  }
  ~ThreadPool() {
    stop_ = true;
    begin();
    for (std::thread& helper : helpers_) helper.join();
  }
  int size() const { return threads_; }

  // work(task, thread) for each task from 0 on, in that order, by whoever is free. The first
  // exception is thrown here once all threads are done.
  void run(int tasks, const std::function<void(int, int)>& work) {
    next_.store(0, std::memory_order_relaxed);
    tasks_ = tasks;
    work_ = &work;
    failure_ = nullptr;
    if (threads_ == 1 || tasks <= 1) {
      take_tasks(0);
    } else {
      left_.store(threads_ - 1, std::memory_order_relaxed);
      begin();
      take_tasks(0);
      for (int left; (left = left_.load(std::memory_order_acquire)) > 0;) wait_while(left_, left);
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  // A waiting thread looks again and again for some 100 microseconds, which is longer than most
  // pauses inside of a step, and then sleeps: on a busy machine it costs nobody anything.
  static constexpr int kLooks = 4000;

  void begin() {
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();
  }
  // Waits as long as the value is what it was.
  static void wait_while(std::atomic<int>& value, int old) {
    for (int look = 0; value.load(std::memory_order_acquire) == old; look++) {
      if (look < kLooks)
        pause();
      else
        value.wait(old, std::memory_order_acquire);
    }
  }
  // Tells the processor that this is a loop that waits.
  static void pause() {
#ifdef __aarch64__
    asm volatile("yield");
#else
    __builtin_ia32_pause();
#endif
  }
  void take_tasks(int thread) {
    try {
      for (int task; (task = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_;)
        (*work_)(task, thread);
    } catch (...) {
      next_.store(tasks_, std::memory_order_relaxed);
      std::lock_guard<std::mutex> hold(failing_);
      if (!failure_) failure_ = std::current_exception();
    }
  }
  void help(int thread) {
    int seen = 0;
    for (;;) {
      wait_while(epoch_, seen);
      seen++;
      if (stop_) return;
      take_tasks(thread);
      if (left_.fetch_sub(1, std::memory_order_release) == 1) left_.notify_one();
    }
  }

  const int threads_;
  std::vector<std::thread> helpers_;
  const std::function<void(int, int)>* work_ = nullptr;
  int tasks_ = 0;
  std::exception_ptr failure_;
  std::mutex failing_;
  std::atomic<int> epoch_{0}, left_{0}, next_{0};
  std::atomic<bool> stop_{false};
};

}  // namespace glueharness
