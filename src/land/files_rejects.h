#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "event/decoder.h"
#include "event/event_batch.h"
#include "event/position.h"
#include "land/quarantine.h"

namespace millrace::land {

/// Where a FilesSink leaves the records it cannot write as JSON lines. The calls are those of QuarantineWriter and
/// come in its order: Recover, then Add..., Commit before the rows of the same chunk become visible.
class FilesRejects {
 public:
  virtual ~FilesRejects() = default;
  virtual void Recover(const event::Positions& landed) = 0;
  virtual void Add(const event::EventBatch& events, const std::vector<event::Reject>& rejects) = 0;
  virtual void Commit(const event::Positions& from, const event::Positions& to, std::stop_token stop) = 0;
  virtual void Drop() = 0;
};

/// The quarantine table of the target. Borrows the writer.
class QuarantinedFilesRejects final : public FilesRejects {
 public:
  explicit QuarantinedFilesRejects(QuarantineWriter& writer) : writer_(writer) {}
  void Recover(const event::Positions& landed) override { writer_.Recover(landed); }
  void Add(const event::EventBatch& events, const std::vector<event::Reject>& rejects) override {
    writer_.Add(events, rejects);
  }
  void Commit(const event::Positions& from, const event::Positions& to, std::stop_token stop) override {
    writer_.Commit(from, to, stop);
  }
  void Drop() override { writer_.Drop(); }

 private:
  QuarantineWriter& writer_;
};

}  // namespace millrace::land
