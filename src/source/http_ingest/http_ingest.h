#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/http_ingest/http_intake.h"
#include "source/http_ingest/ingest_options.h"

namespace millrace::source {

/// Takes events at paths of one's own, each with its topic. A request is taken whole or not at all.
class HttpIngest final : public HttpIntake {
 public:
  HttpIngest(IngestOptions options, event::Stream& stream, ByteBudget& budget);

  void AddRoutes(io::HttpRoutes& routes) override;
  bool Feeds(const std::string& topic) const override;
  std::vector<std::string> topics() const override;

 private:
  io::HttpReply Take(const IngestRoute& route, io::HttpCall& call);
  io::HttpReply TakeBody(const IngestRoute& route, io::HttpCall& call);
  io::HttpReply Put(const IngestRoute& route, const io::HttpCall& call, std::shared_ptr<event::EventBatch> batch);

  const std::vector<IngestRoute> routes_;
};

}  // namespace millrace::source
