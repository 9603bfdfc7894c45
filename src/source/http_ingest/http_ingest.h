#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/byte_budget.h"
#include "event/stream.h"
#include "io/http_routes.h"
#include "source/http_ingest/ingest_options.h"

namespace millrace::source {

/// Takes events over HTTP into topics. A request is answered with success only when its events are durable in the
/// stream; an Idempotency-Key is stored with them in the same step, so that a client that got no answer sends the same
/// again and has its events there once. A request is taken whole or not at all.
///
/// What arrives is held in the memory budget; when that is full the client is told 429 with Retry-After. Thread-safe.
/// Stream and budget outlive it, and it outlives the server of its routes.
class HttpIngest {
 public:
  HttpIngest(IngestOptions options, event::Stream& stream, ByteBudget& budget);

  void AddRoutes(io::HttpRoutes& routes);

  /// Takes nothing more: requests are told 503.
  void Close() { closed_ = true; }
  /// It is closed, and what had come is in the stream or was refused.
  bool done() const { return closed_ && under_way_ == 0; }
  bool Feeds(const std::string& topic) const;

  const std::string& name() const { return options_.name; }
  uint64_t events() const { return events_; }
  const std::vector<IngestRoute>& routes() const { return options_.routes; }

 private:
  io::HttpReply Take(const IngestRoute& route, io::HttpCall& call);
  io::HttpReply TakeBody(const IngestRoute& route, io::HttpCall& call);
  Reservation Reserve(size_t bytes);
  io::HttpReply Append(const IngestRoute& route, const io::HttpCall& call, std::shared_ptr<event::EventBatch> batch);
  [[noreturn]] void RefuseForNow(int status, std::string_view why) const;

  const IngestOptions options_;
  event::Stream& stream_;
  ByteBudget& budget_;
  std::atomic<bool> closed_ = false;
  std::atomic<int> under_way_ = 0;
  std::atomic<uint64_t> events_ = 0;
};

}  // namespace millrace::source
