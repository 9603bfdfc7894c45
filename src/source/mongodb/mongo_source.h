#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "event/source.h"
#include "io/mongo_client.h"
#include "source/mongodb/mongo_changes.h"
#include "source/mongodb/mongo_range_readers.h"
#include "source/mongodb/mongo_source_options.h"

namespace millrace::source {

/// Documents of a collection in the order of a member and of _id, each as one JSON record under its _id as the key. One
/// split, named after everything that shapes its records; its cursor says the last document and how many came before:
/// {"n": 5, "at": <value of the member>, "id": <_id>}, in canonical Extended JSON. A document that is changed comes
/// again when `cursor` says so. A server that is away is asked again.
///
/// With `ranges` a first read is divided (MongoRanges). The first range is the source's own split, which hands on the
/// first batch: its cursors say the bounds until all ranges have ended, so they are stored before or with anything
/// that was read by them. Then that split goes on alone, from the last bound.
class MongoSource final : public event::Source {
 public:
  /// Error kConfig when `filter` or the address cannot be read.
  explicit MongoSource(MongoSourceOptions options, const Clock& clock = Clock::System());
  ~MongoSource() override;

  std::string_view name() const override { return options_.name; }
  void Seek(const event::Positions& positions) override;
  event::ReadResult Read(const event::ReadLimits& limits, std::stop_token stop) override;
  void Acknowledge(const event::Positions&) override {}
  event::Lag lag() override { return {.records = -1, .bytes = -1, .oldest = std::nullopt}; }
  std::string WaitsFor() override;

 private:
  void Divide();
  std::unique_ptr<MongoSpanReader> ReaderOf(size_t range);
  event::ReadResult Next(const event::ReadLimits& limits, const std::stop_token& stop);
  event::ReadResult NextOfChanges(const event::ReadLimits& limits, const std::stop_token& stop);
  event::ReadResult NextOfDocuments(const event::ReadLimits& limits, const std::stop_token& stop);
  event::ReadResult NextOfRanges(const event::ReadLimits& limits, const std::stop_token& stop);
  event::ReadResult HandOn(event::EventBatchPtr batch);
  void LetGo();
  bool WaitUntilDue(std::chrono::milliseconds wait, std::stop_token stop);

  const MongoSourceOptions options_;
  const Clock& clock_;
  io::MongoClients clients_;
  event::SplitId split_;
  event::Positions at_;  // up to where batches went out
  MongoRanges ranges_;
  bool divided_ = false;                        // ranges_ are being read
  std::unique_ptr<MongoSpanReader> alone_;      // of the one split, before and after ranges
  std::unique_ptr<MongoRangeReaders> readers_;  // of ranges; uses what is above
  std::unique_ptr<MongoChanges> changes_;       // where they are asked for
  std::optional<SteadyTime> due_;               // when to look again
  int failures_ = 0;
  std::string trouble_;
};

}  // namespace millrace::source
