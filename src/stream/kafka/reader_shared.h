#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>

#include "stream/kafka/split_ledger.h"

namespace millrace::stream {

/// What the driver of a reader and its poll thread tell each other. Everything under `mutex`.
struct ReaderShared {
  explicit ReaderShared(event::Positions starts) : ledger(std::move(starts)) {}

  std::mutex mutex;
  std::condition_variable_any ready;  // for the driver: something to read, or an answer
  std::condition_variable_any room;   // for the poll thread: something to do
  SplitLedger ledger;
  std::exception_ptr failure;  // the poll thread has ended with it

  /// Reads that found nothing are numbered; the poll thread says of which it has looked whether there is more.
  uint64_t reads = 0;
  uint64_t looked = 0;
  bool drained = false;

  /// Questions whether what was read holds, how many are answered, and the last answer.
  uint64_t questions = 0;
  uint64_t answers = 0;
  bool holds = true;

  std::string waits_for;
};

}  // namespace millrace::stream
