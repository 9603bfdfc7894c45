#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/observation.h"
#include "app/connector_host.h"
#include "app/lake.h"
#include "app/peer_probe.h"
#include "app/pipeline_gauges.h"
#include "app/table_why.h"
#include "event/stream.h"

namespace millrace::app {

/// What a running pipeline says of itself: to /metrics, /health and /api/v1/status, and to the status file. Borrows its
/// parts.
class PipelineView final : public api::Observation {
 public:
  enum class Phase { kStarting, kRunning, kEnding };

  /// `connectors` run beside it; null: there are none.
  PipelineView(GaugeSources parts, event::Stream& stream, Lake& lake, const ConnectorHost* connectors);

  void Turn(Phase phase) { phase_ = phase; }
  /// The loop that watches the feeds went round.
  void Ticked() { ticked_ = Clock::System().Steady(); }
  /// Where it can be asked, for the status.
  void ServedAt(std::string url);

  /// For the status file and /api/v1/status. Fields: docs/operations.md.
  nlohmann::ordered_json Describe() const;

  /// The same in one line, and of each topic how many records came and are there: what /api/v1/events sends.
  std::string EventJson();

  std::string MetricsText() override;
  std::optional<std::string> Stuck() override;
  std::vector<std::string> NotReady() override;
  std::string StatusJson() override;

 private:
  nlohmann::ordered_json DescribeTable(const TableFeed& feed, Timestamp now) const;
  TableSituation SituationOf(const TableFeed& feed, Timestamp now) const;
  bool IntakeEnded(const TableFeed& feed) const;
  /// Why it is not ready, as far as that is known without asking a peer.
  std::vector<std::string> OwnReasons() const;
  void AddFeedReasons(std::vector<std::string>& reasons) const;

  const GaugeSources parts_;
  std::vector<event::TopicInfo> Topics();

  event::Stream& stream_;
  const ConnectorHost* const connectors_;
  std::mutex topics_mutex_;
  std::vector<event::TopicInfo> topics_;  // as the last look at the stream found them
  mutable std::mutex mutex_;
  std::string url_;
  std::atomic<Phase> phase_ = Phase::kStarting;
  std::atomic<SteadyTime> ticked_;
  PeerProbe stream_probe_;
  PeerProbe catalog_probe_;
  PeerProbe lake_probe_;
};

}  // namespace millrace::app
