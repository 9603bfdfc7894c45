#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "base/clock.h"

namespace millrace::app {

/// Feeds that are behind read much, a few at a time. Of hundreds that read side by side each would have a sliver of the
/// memory: small batches, and small row groups in every file. Turns are given in the order in which they were asked
/// for. A turn is a lease: whoever keeps it too long, because what it reads or where it writes does not answer, still
/// goes on, but counts no longer. Thread-safe; outlives its turns.
class ReadTurns {
 public:
  struct Options {
    size_t at_once = 4;
    size_t read_bytes = size_t{2} << 20;     // of one read in a turn
    int64_t turn_bytes = int64_t{16} << 20;  // it ends once so much was read
    std::chrono::milliseconds lease{500};
    std::chrono::milliseconds encode{100};  // what encoding takes that waits for nothing
  };
  explicit ReadTurns(Options options, const Clock& clock = Clock::System()) : options_(options), clock_(clock) {}

  size_t read_bytes() const { return options_.read_bytes; }

  /// The turns of one feed, one after the other. Belongs to one thread.
  class Turn {
   public:
    explicit Turn(std::shared_ptr<ReadTurns> turns) : turns_(std::move(turns)) {}
    ~Turn() { End(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    /// Whether it may read; waits for its turn for no longer than `wait`, and keeps its place for the next call.
    bool Take(std::chrono::milliseconds wait, const std::stop_token& stop);
    bool taken() const { return taken_; }
    /// So much was read in this turn. False: that is enough.
    bool Read(size_t bytes);
    /// What was read is encoded and perhaps committed now: the turn counts for no longer than that takes on the CPU.
    /// Whoever waits for a turn gives up its place, which would hold up others.
    void Encodes();
    /// Gives the turn, or the place of one that waits, to others.
    void End();

   private:
    friend class ReadTurns;
    const std::shared_ptr<ReadTurns> turns_;
    std::condition_variable_any comes_;
    bool waits_ = false;
    bool taken_ = false;
    SteadyTime ends_{};  // its lease
    int64_t read_ = 0;
  };

 private:
  bool Free(const Turn& turn);
  SteadyTime NextEnd() const;
  void WakeNext();

  const Options options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::deque<Turn*> waiting_;
  std::vector<const Turn*> reading_;  // those whose lease has not run out
};

}  // namespace millrace::app
