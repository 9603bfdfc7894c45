#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>

namespace millrace {

class ByteBudget;

/// Bytes held of a budget; gives them back when it goes. Movable, single owner.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation() { Release(); }

  int64_t bytes() const { return bytes_; }
  void Release();
  /// Takes over `other`'s bytes; both are of one budget, or one of them is empty.
  void Merge(Reservation&& other);

 private:
  friend class ByteBudget;
  Reservation(ByteBudget* budget, int64_t bytes) : budget_(budget), bytes_(bytes) {}

  ByteBudget* budget_ = nullptr;
  int64_t bytes_ = 0;
};

/// One limit on everything that is buffered in the process. Whoever buffers reserves first; when the budget is
/// full a source waits in Reserve and a sink asks `under_pressure()` and closes its oldest writer. Thread-safe;
/// outlives every Reservation.
class ByteBudget {
 public:
  explicit ByteBudget(int64_t limit_bytes) : limit_(limit_bytes) {}

  /// Waits until `bytes` fit. A request above the whole limit is granted once nothing else is held, so that one
  /// huge record cannot wait forever. Returns an empty reservation when stopped.
  Reservation Reserve(int64_t bytes, std::stop_token stop);
  /// The same without waiting, for those who have something else to do; nullopt when they do not fit, which counts as
  /// pressure until something is given back.
  std::optional<Reservation> TryReserve(int64_t bytes);
  /// Takes `bytes` even past the limit: for growth of what is already buffered. Follow with under_pressure().
  Reservation Force(int64_t bytes);

  int64_t limit() const { return limit_; }
  int64_t used() const;
  /// Somebody waits or was refused, or more is held than the limit.
  bool under_pressure() const;

 private:
  friend class Reservation;
  void Return(int64_t bytes);

  const int64_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable_any freed_;
  int64_t used_ = 0;
  int waiting_ = 0;
  bool refused_ = false;
};

}  // namespace millrace
