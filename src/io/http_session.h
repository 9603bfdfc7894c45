#pragma once

// What http_server.cc alone includes: Boost.Asio and Beast stay inside that one compile unit.

#if defined(__clang__) && __clang_major__ < 17
// Boost 1.74 does not know that this clang has C++20's coroutines.
#define BOOST_ASIO_HAS_CO_AWAIT 1
#define BOOST_ASIO_HAS_STD_COROUTINE 1
#endif

#if defined(__SANITIZE_THREAD__)
// ThreadSanitizer knows no fences; Asio's come on top of its locks.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK 1
#endif

#include <utility>  // before awaitable.hpp, which forgets it

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/http_call.h"
#include "io/http_certificate.h"
#include "io/http_events.h"
#include "io/http_routes.h"
#include "io/http_server.h"
#include "io/http_trace.h"

namespace millrace::io {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

inline constexpr size_t kPieceBytes = size_t{64} << 10;

/// One connection as the server sees it; touched by the server's thread alone.
class HttpConnection {
 public:
  virtual ~HttpConnection() = default;
  /// Closes the socket; what waits on it fails.
  virtual void Cut() = 0;
  /// Where a connection stands among those that could be closed to make room.
  struct Place {
    std::list<HttpConnection*>* list;
    std::list<HttpConnection*>::iterator at;
    SteadyTime since;
  };
  bool served = false;  // a request of it was answered
  size_t received = 0;  // bytes of the body that is on its way
  std::optional<Place> place;
};

/// What the connections of a server share.
class HttpSessionHost {
 public:
  virtual ~HttpSessionHost() = default;
  virtual const HttpServerOptions& options() const = 0;
  virtual asio::io_context& context() = 0;
  virtual bool draining() const = 0;
  virtual std::stop_token stopping() const = 0;
  /// For a request.
  virtual void Waits(HttpConnection& connection) = 0;
  /// For the rest of a body that is read before its handler starts.
  virtual void Receives(HttpConnection& connection) = 0;
  /// False when there is no room for more bytes of bodies.
  virtual bool HoldBytes(size_t bytes) = 0;
  virtual void FreeBytes(size_t bytes) = 0;
  virtual void Works(HttpConnection& connection) = 0;
  virtual void Left(HttpConnection& connection) = 0;
  /// A refusal, or nothing and the route in `route`.
  virtual std::optional<HttpReply> Admit(HttpCall& call, std::optional<uint64_t> content_length,
                                         const HttpRoute*& route) = 0;
  /// A refusal, or nothing: one of the route's places is taken, until Leave.
  virtual std::optional<HttpReply> TakePlace(const HttpRoute& route) = 0;
  virtual void Leave(const HttpRoute& route) = 0;
  virtual void Finish(const HttpCall& call, HttpReply& reply) = 0;
  virtual void RunHandler(std::function<void()> task) = 0;
};

/// Serves one connection. Its coroutine runs in the server's thread; while a handler works it sleeps, and the handler's
/// reads and writes run there in its place.
template <typename Stream>
class HttpSession final : public HttpConnection, public HttpBody, public HttpReplyStream {
 public:
  HttpSession(HttpSessionHost& host, Stream stream, std::string peer)
      : host_(host), options_(host.options()), stream_(std::move(stream)), peer_(std::move(peer)) {}

  static asio::awaitable<void> Serve(std::shared_ptr<HttpSession> self) {
    try {
      co_await self->ServeAll();
    } catch (const std::exception&) {
      self->Cut();
    }
    self->host_.Left(*self);
  }

  void Cut() override {
    error_code ignored;
    socket().socket().close(ignored);
  }

  std::string_view Read() override {
    if (buffered_) return std::exchange(handed_on_, true) ? std::string_view{} : std::string_view(body_);
    // Codes cross threads, and exceptions do not.
    const error_code failure = asio::co_spawn(host_.context(), ReadPiece(), asio::use_future).get();
    if (failure) throw BodyRefusal(failure);
    return {piece_.data(), piece_bytes_};
  }

  bool Write(std::string_view bytes) override {
    if (gone_ || bytes.empty()) return !gone_;
    return asio::co_spawn(host_.context(), WriteChunk(bytes), asio::use_future).get();
  }

 private:
  using Parser = http::request_parser<http::buffer_body>;
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

  beast::tcp_stream& socket() {
    if constexpr (kTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }
  void Ended(HttpEndCause cause) const { HttpConnectionEnded{.cause = cause, .peer = peer_}.Emit(); }

  asio::awaitable<void> ServeAll();
  asio::awaitable<bool> ReadHeader();
  asio::awaitable<bool> RefuseHeader(error_code failure);
  asio::awaitable<bool> ServeOne();
  asio::awaitable<std::optional<HttpReply>> Prepare(const HttpRoute& route);
  asio::awaitable<std::optional<HttpReply>> BufferBody();
  asio::awaitable<void> RunHandler(const HttpRoute& route, HttpCall& call, HttpReply& reply);
  asio::awaitable<error_code> ReadPiece();
  asio::awaitable<bool> WriteReply(const HttpCall& call, const HttpReply& reply);
  template <typename Message>
  asio::awaitable<bool> WriteMessage(Message& message, bool header_only);
  asio::awaitable<bool> WriteStreamHeader();
  asio::awaitable<bool> WriteChunk(std::string_view bytes);
  asio::awaitable<bool> WriteBytes(std::string_view bytes);
  asio::awaitable<void> Close();

  HttpCall MakeCall();
  void HandleInThread(const HttpRoute& route, HttpCall& call, HttpReply& reply);
  void StreamInThread(const HttpReply& reply);
  template <typename Message>
  void PutHeaders(const HttpReply& reply, Message& message) const;
  HttpRefusal BodyRefusal(error_code failure) const;

  HttpSessionHost& host_;
  const HttpServerOptions& options_;
  Stream stream_;
  const std::string peer_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::string piece_;
  size_t piece_bytes_ = 0;
  std::string body_;  // of a buffered route
  bool buffered_ = false;
  bool handed_on_ = false;
  unsigned version_ = 11;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  bool first_ = true;
  std::vector<std::string> certificate_names_;
  bool gone_ = false;       // the client takes nothing any more
  bool streaming_ = false;  // the header of a streamed reply is out
  const HttpReply* streamed_ = nullptr;
  SteadyTime body_deadline_{};
  std::optional<Span> span_;  // of the request that is being served
};

template <typename Stream>
asio::awaitable<void> HttpSession<Stream>::ServeAll() {
  buffer_.max_size(options_.header_bytes_max + kPieceBytes);
  if constexpr (kTls) {
    error_code failure;
    host_.Waits(*this);
    socket().expires_after(options_.header_time);
    co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                     asio::redirect_error(asio::use_awaitable, failure));
    host_.Works(*this);
    if (failure) {
      Ended(HttpEndCause::kTls);
      Cut();
      co_return;
    }
    certificate_names_ = CertificateNames(*stream_.native_handle());
  }
  for (bool more = true; more;) more = co_await ServeOne();
  co_await Close();
}

/// False: the connection is over, and the client was told why where that makes sense.
template <typename Stream>
asio::awaitable<bool> HttpSession<Stream>::ReadHeader() {
  error_code failure;
  parser_.emplace();
  parser_->header_limit(options_.header_bytes_max);
  parser_->body_limit(std::numeric_limits<uint64_t>::max());
  if (buffer_.size() == 0) {
    socket().expires_after(first_ ? options_.header_time : options_.idle_time);
    const auto space = buffer_.prepare(4096);
    const size_t size = co_await stream_.async_read_some(space, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) {
      if (first_ && failure == beast::error::timeout) Ended(HttpEndCause::kTimeout);
      co_return false;
    }
    buffer_.commit(size);
  }
  first_ = false;
  socket().expires_after(options_.header_time);
  co_await http::async_read_header(stream_, buffer_, *parser_, asio::redirect_error(asio::use_awaitable, failure));
  if (!failure) co_return true;
  co_return co_await RefuseHeader(failure);
}

template <typename Stream>
asio::awaitable<bool> HttpSession<Stream>::RefuseHeader(error_code failure) {
  const bool timeout = failure == beast::error::timeout;
  const bool too_large = failure == http::error::header_limit || failure == http::error::buffer_overflow;
  const bool malformed = failure.category() == make_error_code(http::error::bad_value).category() &&
                         failure != http::error::end_of_stream && failure != http::error::partial_message;
  if (!timeout && !too_large && !malformed) co_return false;  // the client has gone
  Ended(timeout ? HttpEndCause::kTimeout : HttpEndCause::kMalformed);
  HttpReply reply = timeout     ? ErrorReply(408, "the header of the request did not come in time")
                    : too_large ? ErrorReply(431, "the header of the request is too large")
                                : ErrorReply(400, "this is not an HTTP/1.1 request: " + failure.message());
  keep_alive_ = false;
  const HttpCall nothing;
  host_.Finish(nothing, reply);
  // A socket that timed out is closed already.
  if (!timeout) co_await WriteReply(nothing, reply);
  co_return false;
}

template <typename Stream>
HttpCall HttpSession<Stream>::MakeCall() {
  const auto& request = parser_->get();
  HttpCall call;
  const auto method = request.method_string();
  call.method.assign(method.data(), method.size());
  const auto target = request.target();
  call.path.assign(target.data(), target.size());
  for (const auto& field : request) {
    call.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  call.peer = peer_;
  call.tls = kTls;
  if constexpr (kTls) call.certificate_names = certificate_names_;
  call.body = this;
  call.stopping = host_.stopping();
  return call;
}

/// One request and its answer. False when the connection ends after it.
template <typename Stream>
asio::awaitable<bool> HttpSession<Stream>::ServeOne() {
  host_.Waits(*this);
  const bool came = co_await ReadHeader();
  host_.Works(*this);
  if (!came) co_return false;
  const auto begin = Clock::System().Steady();
  version_ = parser_->get().version();
  expects_continue_ = beast::iequals(parser_->get()[http::field::expect], "100-continue");
  body_deadline_ = begin + options_.body_time;
  gone_ = streaming_ = false;
  HttpCall call = MakeCall();
  std::optional<uint64_t> length;
  if (parser_->chunked()) length = std::numeric_limits<uint64_t>::max();
  if (const auto given = parser_->content_length()) length = *given;
  keep_alive_ = parser_->keep_alive();
  const HttpRoute* route = nullptr;
  auto refused = host_.Admit(call, length, route);
  span_ = BeginHttpSpan(call, version_ == 10 ? "1.0" : "1.1");
  HttpReply reply;
  if (refused) {
    reply = std::move(*refused);
    // Of a request that is malformed nobody knows where it ends.
    keep_alive_ = keep_alive_ && reply.status != 400 && reply.status != 501;
  } else if (auto full = co_await Prepare(*route)) {
    reply = std::move(*full);
  } else {
    co_await RunHandler(*route, call, reply);
    host_.Leave(*route);
  }
  host_.FreeBytes(body_.size());
  body_ = {};
  // Without reading the rest of a body nobody knows where the next request begins.
  keep_alive_ = keep_alive_ && parser_->is_done() && !host_.draining();
  if (streaming_) {
    keep_alive_ = keep_alive_ && !gone_ && version_ == 11;
  } else {
    host_.Finish(call, reply);
    const bool written = co_await WriteReply(call, reply);
    keep_alive_ = keep_alive_ && written;
  }
  if (span_) EndHttpSpan(*std::exchange(span_, std::nullopt), reply.status);
  served = true;
  const std::chrono::duration<double> taken = Clock::System().Steady() - begin;
  HttpServed{.route = route == nullptr ? "none" : std::string_view(route->pattern),
             .method = call.method,
             .path = call.path,
             .peer = peer_,
             .status = reply.status,
             .seconds = taken.count()}
      .Emit();
  co_return keep_alive_;
}

template <typename Stream>
asio::awaitable<std::optional<HttpReply>> HttpSession<Stream>::Prepare(const HttpRoute& route) {
  parser_->body_limit(static_cast<uint64_t>(route.body_bytes_max));
  buffered_ = route.buffered && !(route.streams_chunked && parser_->chunked());
  handed_on_ = false;
  std::optional<HttpReply> refused;
  if (buffered_) refused = co_await BufferBody();
  if (!refused) refused = host_.TakePlace(route);
  co_return refused;
}

template <typename Stream>
asio::awaitable<std::optional<HttpReply>> HttpSession<Stream>::BufferBody() {
  constexpr std::chrono::seconds kGrace(5);
  const auto begin = Clock::System().Steady();
  std::optional<HttpReply> refused;
  received = 0;
  host_.Receives(*this);
  while (!parser_->is_done()) {
    const std::chrono::seconds earned(static_cast<int64_t>(received) / options_.body_rate_min);
    body_deadline_ = begin + std::min<SteadyTime::duration>(options_.body_time, kGrace + earned);
    const error_code failure = co_await ReadPiece();
    if (failure) {
      refused = ReplyTo(BodyRefusal(failure));
      break;
    }
    received += piece_bytes_;
    if (refused) continue;  // the rest is let go, so that the client comes to read the answer
    if (host_.HoldBytes(piece_bytes_)) {
      body_.append(piece_.data(), piece_bytes_);
      continue;
    }
    refused = ErrorReply(429, "as many bytes as may are being received; send this again in a moment");
    refused->headers.push_back({"Retry-After", "1"});
    host_.FreeBytes(std::exchange(body_, {}).size());
  }
  host_.Works(*this);
  co_return refused;
}

template <typename Stream>
asio::awaitable<void> HttpSession<Stream>::RunHandler(const HttpRoute& route, HttpCall& call, HttpReply& reply) {
  asio::steady_timer done(host_.context(), asio::steady_timer::time_point::max());
  bool started = true;
  try {
    host_.RunHandler([&] {
      HandleInThread(route, call, reply);
      // The coroutine below sleeps until this wakes it, and `done` lives in it.
      asio::post(host_.context(), [&done] { done.cancel(); });
    });
  } catch (const std::exception& failure) {
    reply = ReplyTo(failure);
    started = false;
  }
  if (!started) co_return;
  error_code woken;
  co_await done.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

template <typename Stream>
void HttpSession<Stream>::HandleInThread(const HttpRoute& route, HttpCall& call, HttpReply& reply) {
  const Tracing::Within within(span_ ? std::optional(span_->context) : std::nullopt);
  try {
    reply = route.handler(call);
    if (reply.stream && call.method != "HEAD") {
      host_.Finish(call, reply);
      StreamInThread(reply);
    }
  } catch (const std::exception& failure) {
    if (streaming_) {
      gone_ = true;  // the client sees the answer end without its last chunk
    } else {
      reply = ReplyTo(failure);
    }
    if (reply.status >= 500) LogWarning("http: {} {}: {}", call.method, call.path, failure.what());
  }
}

template <typename Stream>
void HttpSession<Stream>::StreamInThread(const HttpReply& reply) {
  streamed_ = &reply;
  gone_ = !asio::co_spawn(host_.context(), WriteStreamHeader(), asio::use_future).get();
  if (!gone_) reply.stream(*this);
  if (!gone_ && version_ == 11) {
    gone_ = !asio::co_spawn(host_.context(), WriteBytes("0\r\n\r\n"), asio::use_future).get();
  }
  streamed_ = nullptr;
}

/// Puts the next bytes of the body into piece_, piece_bytes_ of them; 0 at its end.
template <typename Stream>
asio::awaitable<error_code> HttpSession<Stream>::ReadPiece() {
  piece_bytes_ = 0;
  if (parser_->is_done()) co_return error_code{};
  piece_.resize(kPieceBytes);
  if (std::exchange(expects_continue_, false)) co_await WriteBytes("HTTP/1.1 100 Continue\r\n\r\n");
  auto& body = parser_->get().body();
  body.data = piece_.data();
  body.size = piece_.size();
  body.more = true;
  error_code failure;
  while (!failure && body.size == piece_.size() && !parser_->is_done()) {
    const auto left =
        std::max<SteadyTime::duration>(body_deadline_ - Clock::System().Steady(), std::chrono::milliseconds(1));
    socket().expires_after(std::min<SteadyTime::duration>(left, options_.piece_time));
    co_await http::async_read_some(stream_, buffer_, *parser_, asio::redirect_error(asio::use_awaitable, failure));
    if (failure == http::error::need_buffer) failure = {};
  }
  piece_bytes_ = piece_.size() - body.size;
  co_return failure;
}

template <typename Stream>
HttpRefusal HttpSession<Stream>::BodyRefusal(error_code failure) const {
  if (failure == http::error::body_limit) return {413, "the body is larger than is taken here"};
  if (failure == beast::error::timeout) {
    Ended(HttpEndCause::kTimeout);
    return {408, "the body of the request did not come in time"};
  }
  return HttpRefusal(400, "the body of the request broke off: " + failure.message());
}

template <typename Stream>
template <typename Message>
void HttpSession<Stream>::PutHeaders(const HttpReply& reply, Message& message) const {
  message.version(version_ == 10 ? 10 : 11);
  message.result(static_cast<unsigned>(reply.status));
  for (const auto& header : reply.headers) {
    // A line break in a value would begin another header.
    std::string value = header.value;
    std::ranges::replace_if(
        value, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    message.insert(header.name, value);
  }
}

template <typename Stream>
asio::awaitable<bool> HttpSession<Stream>::WriteReply(const HttpCall& call, const HttpReply& reply) {
  http::response<http::string_body> message;
  PutHeaders(reply, message);
  message.keep_alive(keep_alive_);
  message.body() = reply.body;
  const bool bodiless = reply.status == 204 || reply.status == 304;
  const bool unknown_length = reply.stream && call.method == "HEAD";
  if (!bodiless && !unknown_length) message.content_length(reply.body.size());
  const bool written = co_await WriteMessage(message, call.method == "HEAD" || bodiless);
  co_return written;
}

template <typename Stream>
asio::awaitable<bool> HttpSession<Stream>::WriteStreamHeader() {
  // A client that waits to be told to send its body must not read that in the middle of the answer.
  if (std::exchange(expects_continue_, false)) co_await WriteBytes("HTTP/1.1 100 Continue\r\n\r\n");
  http::response<http::empty_body> message;
  PutHeaders(*streamed_, message);
  keep_alive_ = keep_alive_ && parser_->is_done() && !host_.draining() && version_ == 11;
  message.keep_alive(keep_alive_);
  if (version_ == 11) message.chunked(true);
  streaming_ = true;
  const bool written = co_await WriteMessage(message, true);
  co_return written;
}

/// A piece at a time, so that the time given is for each.
template <typename Stream>
template <typename Message>
asio::awaitable<bool> HttpSession<Stream>::WriteMessage(Message& message, bool header_only) {
  http::serializer<false, typename Message::body_type> serializer(message);
  serializer.limit(kPieceBytes);
  serializer.split(header_only);
  error_code failure;
  while (!failure && !(header_only ? serializer.is_header_done() : serializer.is_done())) {
    socket().expires_after(options_.piece_time);
    co_await http::async_write_some(stream_, serializer, asio::redirect_error(asio::use_awaitable, failure));
  }
  if (failure == beast::error::timeout) Ended(HttpEndCause::kTimeout);
  co_return !failure;
}

template <typename Stream>
asio::awaitable<bool> HttpSession<Stream>::WriteChunk(std::string_view bytes) {
  bool written = true;
  while (written && !bytes.empty()) {
    const auto piece = bytes.substr(0, kPieceBytes);
    bytes.remove_prefix(piece.size());
    std::string framed(piece);
    if (version_ == 11) framed = fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
    written = co_await WriteBytes(framed);
  }
  gone_ = gone_ || !written;
  co_return written;
}

template <typename Stream>
asio::awaitable<bool> HttpSession<Stream>::WriteBytes(std::string_view bytes) {
  error_code failure;
  socket().expires_after(options_.piece_time);
  const asio::const_buffer buffer(bytes.data(), bytes.size());
  co_await asio::async_write(stream_, buffer, asio::redirect_error(asio::use_awaitable, failure));
  if (failure == beast::error::timeout) Ended(HttpEndCause::kTimeout);
  co_return !failure;
}

/// A close with unread bytes in it would take the answer away from the client, so some are read.
template <typename Stream>
asio::awaitable<void> HttpSession<Stream>::Close() {
  error_code failure;
  socket().expires_after(std::chrono::seconds(2));
  if constexpr (kTls) {
    co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, failure));
  } else {
    socket().socket().shutdown(asio::ip::tcp::socket::shutdown_send, failure);
    piece_.resize(kPieceBytes);
    for (int i = 0; i < 16 && !failure; ++i) {
      co_await stream_.async_read_some(asio::buffer(piece_), asio::redirect_error(asio::use_awaitable, failure));
    }
  }
  Cut();
}

}  // namespace millrace::io
