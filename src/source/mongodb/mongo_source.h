#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "event/source.h"
#include "io/mongo_client.h"
#include "source/mongodb/bson_to_json.h"

namespace millrace::source {

struct MongoSourceOptions {
  std::string name;
  io::MongoOptions server;
  std::string database;
  std::string collection;
  std::string cursor;  // the member that rises with every change; empty: only new documents are seen, by _id
  std::string filter;  // Extended JSON; empty: every document
  BsonForm form = BsonForm::kPlain;
  std::optional<std::chrono::milliseconds> every;  // looks again so often; without: reads once to the end
};

/// Documents of a collection in the order of a member and of _id, each as one JSON record under its _id as the key. One
/// split, named after everything that shapes its records; its cursor says the last document and how many came before:
/// {"n": 5, "at": <value of the member>, "id": <_id>}, in canonical Extended JSON. A document that is changed comes
/// again when `cursor` says so. A server that is away is asked again.
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
  struct Query;  // a cursor of the server's, with the connection it lives on

  void AppendFilter(bson_t* filter) const;
  void AppendBehind(bson_t* part) const;
  void Open();
  event::EventBatchPtr Take(const event::ReadLimits& limits);
  event::Cursor CursorAfter(const bson_t& document) const;
  bool WaitUntilDue(std::chrono::milliseconds wait, std::stop_token stop);

  const MongoSourceOptions options_;
  const Clock& clock_;
  io::MongoClients clients_;
  event::SplitId split_;
  event::Cursor at_;
  int64_t count_ = 0;
  std::unique_ptr<Query> query_;
  std::optional<SteadyTime> due_;  // when to look again
  int failures_ = 0;
  std::string trouble_;
};

}  // namespace millrace::source
