#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_budget.h"
#include "base/bytes.h"
#include "event/stream.h"
#include "io/http_routes.h"

namespace millrace::source {

struct IntakeLimits {
  int64_t body_bytes_max = int64_t{16} << 20;  // as sent, and unpacked
  int64_t records_max = 100'000;               // of one request
  double expansion_max = 200;                  // of a packed body
  int in_flight_max = 256;                     // requests of one route that wait for the stream
};

/// What takes events over HTTP into topics. A request is answered with success only when its events are durable in the
/// stream; an Idempotency-Key is stored with them in the same step, so that a client that got no answer sends the same
/// again and has its events there once.
///
/// What arrives is held in the memory budget; when that is full the client is told 429 with Retry-After. Thread-safe.
/// Stream and budget outlive it, and it outlives the server of its routes.
class HttpIntake {
 public:
  virtual ~HttpIntake() = default;
  HttpIntake(const HttpIntake&) = delete;
  HttpIntake& operator=(const HttpIntake&) = delete;

  virtual void AddRoutes(io::HttpRoutes& routes) = 0;
  /// Whether it may append to the topic.
  virtual bool Feeds(const std::string& topic) const = 0;
  /// What it appends to, for people.
  virtual std::vector<std::string> topics() const = 0;

  /// Takes nothing more: requests are told 503.
  void Close() { closed_ = true; }
  /// It is closed, and what had come is in the stream or was refused.
  bool done() const { return closed_ && under_way_ == 0; }

  const std::string& name() const { return name_; }
  uint64_t events() const { return events_; }

 protected:
  HttpIntake(std::string name, const IntakeLimits& limits, event::Stream& stream, ByteBudget& budget);

  /// Counts a request while it lives.
  class UnderWay {
   public:
    explicit UnderWay(std::atomic<int>& count) : count_(&count) { ++count; }
    ~UnderWay() { --*count_; }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

   private:
    std::atomic<int>* count_;
  };
  /// Throws io::HttpRefusal 503 once closed.
  std::shared_ptr<UnderWay> Enter();
  bool closed() const { return closed_; }

  /// A route for `ingest`ing that takes no body, or one as the limits say.
  io::HttpRoute RouteOf(std::string method, std::string pattern, io::HttpHandler handler) const;

  struct Body {
    std::shared_ptr<PaddedBuffer> bytes;
    Reservation held;
  };
  /// All of a body, unpacked, with room for the events in it. `bytes_an_object` more for each '{' in it, up to
  /// records_max. Throws io::HttpRefusal.
  Body BodyOf(io::HttpCall& call, size_t bytes_an_object = 0);
  Reservation Reserve(size_t bytes);

  /// Appends and counts. Throws io::HttpRefusal 503 when the stream does not answer, unless some records are there
  /// all the same and `request.reports` tells which: then Error kUnavailable.
  event::AppendOutcome Append(const event::AppendRequest& request);

  /// The text of a quoted string (the IETF draft's form) or of a plain one; empty without the header.
  static std::string IdempotencyKeyOf(const io::HttpCall& call);

  const IntakeLimits& limits() const { return limits_; }
  event::Stream& stream() { return stream_; }

 private:
  [[noreturn]] void RefuseForNow(int status, std::string_view why) const;
  size_t RoomFor(std::string_view body, size_t bytes_an_object) const;

  const std::string name_;
  const IntakeLimits limits_;
  event::Stream& stream_;
  ByteBudget& budget_;
  std::atomic<bool> closed_ = false;
  std::atomic<int> under_way_ = 0;
  std::atomic<uint64_t> events_ = 0;
};

}  // namespace millrace::source
