#pragma once

#include <string>
#include <vector>

#include "api/connect_port.h"
#include "app/connector_plan.h"
#include "app/connector_store.h"
#include "app/lake.h"
#include "event/stream.h"

namespace millrace::app {

/// Where a connector stands, in Connect's form. Of what reads topics, {"kafka_topic", "kafka_partition"} and
/// {"kafka_offset"}: the least of its tables. Of a source, {"source" or "table", "split"} and {"position"}, as the
/// source itself writes them.
///
/// What holds is what the tables and the stream hold (exactly-once: the position stands with the data); a place in
/// what nothing was landed from yet is kept by the ConnectorStore until then. Borrows its parts.
class ConnectorOffsets {
 public:
  struct Parts {
    const std::string& connector;
    const ConnectorPlan& plan;
    Lake& lake;
    event::Stream& stream;
    ConnectorStore& store;
  };
  explicit ConnectorOffsets(Parts parts) : parts_(parts) {}

  std::vector<api::ConnectorOffset> Read() const;
  /// The connector does not run meanwhile. Io::HttpRefusal 400, and nothing is changed, for what cannot be set.
  void Alter(const std::vector<api::ConnectorOffset>& offsets) const;
  /// Everything is read again from its beginning, or from what `start` says.
  void Reset() const;

 private:
  struct Move {
    std::string topic;
    int32_t partition = 0;
    std::optional<int64_t> offset;  // absent: forgotten
  };
  std::vector<Move> MovesOf(const std::vector<api::ConnectorOffset>& offsets) const;
  void CheckMoves(const std::vector<Move>& moves) const;
  void RequireSettable() const;
  event::Positions Stored(const std::string& table) const;
  void Store(const std::string& table, const event::Positions& positions) const;
  void MoveTable(const std::string& name, const std::vector<Move>& moves) const;
  void MoveProducer(const std::string& source, const event::SplitId& split, const event::Cursor& to) const;
  void AlterSources(const std::vector<api::ConnectorOffset>& offsets) const;
  bool OnlySources() const;

  const Parts parts_;
};

}  // namespace millrace::app
