#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/config_model.h"
#include "app/data_directory.h"
#include "app/lake.h"
#include "app/pipeline_runner.h"
#include "app/read_turns.h"
#include "app/run_limits.h"
#include "base/byte_budget.h"
#include "event/stream.h"

namespace millrace::app {

/// Makes feeds of what is configured and gives them to a runner. Borrows its parts, which outlive the feeds.
class FeedMaker {
 public:
  struct Parts {
    const PipelineConfig& config;
    const DataDirectory& directory;
    Lake& lake;
    event::Stream& stream;
    ByteBudget& budget;
    PipelineRunner& runner;
  };
  /// `on_commit`: called by the threads of tables and documents.
  FeedMaker(Parts parts, const RunLimits& limits, std::function<void()> on_commit);

  /// Where a feed, by its name, begins in what nothing was landed from yet, before what `start` says.
  void StartAt(std::function<event::Positions(const std::string& feed)> starts) { starts_ = std::move(starts); }

  /// Of a source that has a topic.
  void AddSource(const std::string& name, const SourceConfig& source) const;
  void AddTable(const std::string& name, const TableConfig& table) const;
  void AddDocuments(const std::string& name, const DocumentsConfig& documents) const;

 private:
  size_t feeds() const;
  /// Of one read of one of so many feeds.
  size_t ReadBytes(size_t feeds) const;
  void AddFeed(const std::string& name, std::string title, const TableConfig& feed,
               std::shared_ptr<event::Sink> sink) const;
  std::unique_ptr<event::Source> OpenReader(const std::string& name, const TableConfig& feed) const;

  const Parts parts_;
  const RunLimits limits_;
  const std::function<void()> on_commit_;
  std::shared_ptr<ReadTurns> turns_;
  std::function<event::Positions(const std::string& feed)> starts_;
};

}  // namespace millrace::app
