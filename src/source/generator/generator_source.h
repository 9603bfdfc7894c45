#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "event/source.h"
#include "source/generator/row_writer.h"

namespace millrace::source {

enum class GeneratorKind {
  kUsers,   // people: twelve text fields
  kCards,   // payment cards
  kClicks,  // what a visitor of a page did
  kEvents,  // 13 fields, one of them nested, about 359 bytes: what the benchmarks read
};

struct GeneratorOptions {
  std::string name;
  GeneratorKind kind = GeneratorKind::kUsers;
  std::optional<int64_t> rows;  // without: no end
  std::optional<double> rate;   // rows a second; without: as fast as asked
  uint64_t seed = 1;
  double duplicates = 0;  // share of rows that repeat an earlier one, byte for byte
  double late = 0;        // share of rows whose event time lies one to 48 hours back (clicks and events)
  double malformed = 0;   // share of rows that break off in the middle
  /// Event time of the first row; fixed, so that the same seed gives the same bytes.
  Timestamp start{std::chrono::milliseconds(1'793'000'000'000)};
};

/// Made-up records. Row n is a pure function of (options, n), so any position can be read again, by any process, at
/// once. One split, named after everything that shapes its rows; its cursor is the number of rows before it.
class GeneratorSource final : public event::Source {
 public:
  /// Error kConfig for shares outside [0, 1] or a rate that is not positive.
  explicit GeneratorSource(GeneratorOptions options, const Clock& clock = Clock::System());
  ~GeneratorSource() override;

  std::string_view name() const override { return options_.name; }
  void Seek(const event::Positions& positions) override;
  event::ReadResult Read(const event::ReadLimits& limits, std::stop_token stop) override;
  void Acknowledge(const event::Positions&) override {}
  event::Lag lag() override;

 private:
  /// How many rows the rate allows beyond those read.
  int64_t Allowed() const;
  event::EventBatchPtr MakeBatch(int64_t rows_max, size_t bytes_max);

  GeneratorOptions options_;
  const Clock& clock_;
  event::SplitId split_;
  std::unique_ptr<RowWriter> writer_;
  int64_t next_row_ = 0;
  int64_t first_row_ = 0;  // where this run began, which is what the rate counts from
  SteadyTime began_;
};

}  // namespace millrace::source
