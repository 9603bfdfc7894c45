#include "io/http_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <map>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "io/handler_threads.h"
#include "io/http_certificate.h"
#include "io/http_session.h"
#include "io/revocation_lists.h"

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/write.hpp>

namespace millrace::io {
namespace {

using asio::ip::tcp;
using TlsStream = asio::ssl::stream<beast::tcp_stream>;

constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";
/// How long, and how many at once, may hear that there is no room.
constexpr auto kTurnedAwayTime = std::chrono::seconds(1);
constexpr int kTurnedAwayMax = 256;

std::unique_ptr<asio::ssl::context> MakeTls(const HttpServerOptions& options) {
  if (options.certificate_file.empty() && options.key_file.empty()) return nullptr;
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  const auto use = [](const std::string& file, const char* what, const error_code& failure) {
    if (!failure) return;
    throw Error(ErrorCode::kConfig, fmt::format("the {} {} cannot be used: {}; give a PEM file that this user may read",
                                                what, file, failure.message()));
  };
  error_code failure;
  SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
  tls->set_options(asio::ssl::context::default_workarounds | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE,
                   failure);
  tls->use_certificate_chain_file(options.certificate_file, failure);
  use(options.certificate_file, "certificate", failure);
  tls->use_private_key_file(options.key_file, asio::ssl::context::pem, failure);
  use(options.key_file, "key", failure);
  if (!options.client_ca_file.empty()) {
    AskForCertificates(*tls->native_handle(), options.client_ca_file, options.client_certificate_required);
  }
  return tls;
}

/// What is wrong with a request before anybody looks at what it asks for.
std::optional<HttpReply> RefuseForm(HttpCall& call) {
  const auto question = std::min(call.path.find('?'), call.path.size());
  auto query = ParseQuery(std::string_view(call.path).substr(std::min(question + 1, call.path.size())));
  call.path.resize(question);
  if (!call.path.starts_with('/') || !query) return ErrorReply(400, "the target of the request is malformed");
  call.query = std::move(*query);
  if (call.CountHeaders("Host") > 1) return ErrorReply(400, "the request has more than one Host");
  const auto coding = FindHeader(call.headers, "Transfer-Encoding");
  if (coding && (call.CountHeaders("Transfer-Encoding") > 1 || !SameHeaderName(*coding, "chunked"))) {
    return ErrorReply(501, "no Transfer-Encoding but chunked is known here");
  }
  return std::nullopt;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// What is too large for the limit alone would be told to come again for ever.
int64_t BufferedBytesMax(const HttpServerOptions& options, const HttpRoutes& routes) {
  int64_t largest = 0;
  for (const auto& route : routes.all()) {
    if (route.buffered) largest = std::max(largest, route.body_bytes_max);
  }
  return std::max(options.buffered_bytes_max, 2 * largest);
}

}  // namespace

class HttpServer::Impl final : public HttpSessionHost {
 public:
  Impl(HttpServerOptions options, const HttpRoutes& routes, Guard guard, HttpServer::Finish finish);
  ~Impl() override { Stop(std::chrono::milliseconds(0)); }

  void Stop(std::chrono::milliseconds patience);
  uint16_t port() const { return port_; }
  int connections() const { return open_; }

  const HttpServerOptions& options() const override { return options_; }
  asio::io_context& context() override { return context_; }
  bool draining() const override { return draining_; }
  std::stop_token stopping() const override { return stop_.get_token(); }
  void Waits(HttpConnection& connection) override;
  void Receives(HttpConnection& connection) override;
  void Works(HttpConnection& connection) override;
  bool HoldBytes(size_t bytes) override;
  void FreeBytes(size_t bytes) override { held_bytes_ -= static_cast<int64_t>(bytes); }
  void Left(HttpConnection& connection) override;
  std::optional<HttpReply> Admit(HttpCall& call, std::optional<uint64_t> content_length,
                                 const HttpRoute*& route) override;
  std::optional<HttpReply> TakePlace(const HttpRoute& route) override;
  void Leave(const HttpRoute& route) override { --in_flight_[&route]; }
  void Finish(const HttpCall& call, HttpReply& reply) override {
    if (finish_) finish_(call, reply);
  }
  void RunHandler(std::function<void()> task) override { threads_.Run(std::move(task)); }

 private:
  void Listen();
  asio::awaitable<void> Accept();
  bool MakeRoom();
  bool CutSlow(std::chrono::milliseconds age_min);
  void Enlist(HttpConnection& connection, std::list<HttpConnection*>& list);
  void Take(tcp::socket socket);
  asio::awaitable<void> TurnAway(tcp::socket socket);
  template <typename Stream>
  void Start(Stream stream, std::string peer);
  void CutAll();
  void CountOpen();

  const HttpServerOptions options_;
  const HttpRoutes& routes_;
  const int64_t buffered_bytes_max_;
  const Guard guard_;
  const HttpServer::Finish finish_;
  const std::unique_ptr<asio::ssl::context> tls_;
  std::optional<RevocationLists> revoked_;  // touched by the server's thread alone, once it runs
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  uint16_t port_ = 0;
  HandlerThreads threads_;

  // Touched by the server's thread alone.
  bool draining_ = false;
  /// The one that has waited longest first; those that never asked anything apart from those that did.
  std::list<HttpConnection*> strangers_;
  std::list<HttpConnection*> idle_;
  std::list<HttpConnection*> receiving_;
  int64_t held_bytes_ = 0;
  int turned_away_ = 0;
  std::map<HttpConnection*, bool> connections_;
  std::map<const HttpRoute*, int> in_flight_;

  std::atomic<int> open_ = 0;
  std::stop_source stop_;
  std::promise<void> ended_;
  std::thread thread_;
};

HttpServer::Impl::Impl(HttpServerOptions options, const HttpRoutes& routes, Guard guard, HttpServer::Finish finish)
    : options_(std::move(options)),
      routes_(routes),
      buffered_bytes_max_(BufferedBytesMax(options_, routes_)),
      guard_(std::move(guard)),
      finish_(std::move(finish)),
      tls_(MakeTls(options_)) {
  if (tls_ && !options_.client_crl_file.empty())
    revoked_.emplace(*tls_->native_handle(), options_.client_ca_file, options_.client_crl_file);
  Listen();
  asio::co_spawn(context_, Accept(), asio::detached);
  thread_ = std::thread([this] {
    context_.run();
    ended_.set_value();
  });
}

void HttpServer::Impl::Listen() {
  error_code failure;
  const auto address = asio::ip::make_address(options_.address, failure);
  if (failure) throw Error(ErrorCode::kConfig, fmt::format("'{}' is no IP address to listen on", options_.address));
  const tcp::endpoint endpoint(address, options_.port);
  acceptor_.open(endpoint.protocol(), failure);
  if (!failure) acceptor_.set_option(tcp::acceptor::reuse_address(true), failure);
  if (!failure) acceptor_.bind(endpoint, failure);
  if (!failure) acceptor_.listen(1024, failure);
  if (failure) {
    throw Error(ErrorCode::kUnavailable, fmt::format("{}:{} cannot be listened on: {}; stop what uses it, or choose "
                                                     "another address and port",
                                                     options_.address, options_.port, failure.message()));
  }
  port_ = acceptor_.local_endpoint().port();
}

asio::awaitable<void> HttpServer::Impl::Accept() {
  while (acceptor_.is_open()) {
    tcp::socket socket(context_);
    error_code failure;
    co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, failure));
    if (!acceptor_.is_open()) break;
    if (!failure) {
      Take(std::move(socket));
      continue;
    }
    // No more file descriptors, most likely: some come back with a connection, or with time.
    MakeRoom();
    asio::steady_timer pause(context_, std::chrono::milliseconds(50));
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
  }
}

/// Cuts the connection that has waited longest for its first request, or else for its body, or else for the next one.
bool HttpServer::Impl::MakeRoom() {
  if (strangers_.empty() && CutSlow(std::chrono::seconds(1))) return true;
  const auto& from = strangers_.empty() ? idle_ : strangers_;
  if (from.empty()) return CutSlow(std::chrono::milliseconds(100));
  auto* oldest = from.front();
  Works(*oldest);
  oldest->Cut();
  HttpConnectionEnded{.cause = HttpEndCause::kMadeRoom, .peer = "-"}.Emit();
  return true;
}

/// Cuts the connection whose body has been on its way longest, at least for `age_min`, and comes slowly.
bool HttpServer::Impl::CutSlow(std::chrono::milliseconds age_min) {
  constexpr double kSlowRate = 64 << 10;  // bytes a second
  const auto now = Clock::System().Steady();
  const auto slow = std::ranges::find_if(receiving_, [&](const HttpConnection* connection) {
    const auto age = now - connection->place->since;
    const double seconds = std::chrono::duration<double>(age).count();
    return age >= age_min && static_cast<double>(connection->received) < seconds * kSlowRate;
  });
  if (slow == receiving_.end()) return false;
  auto* connection = *slow;
  Works(*connection);
  connection->Cut();
  HttpConnectionEnded{.cause = HttpEndCause::kMadeRoom, .peer = "-"}.Emit();
  return true;
}

/// What was cut gives its bytes back a moment later, so a piece of each of a few may be held above the limit.
bool HttpServer::Impl::HoldBytes(size_t bytes) {
  const auto more = static_cast<int64_t>(bytes);
  if (held_bytes_ + more > buffered_bytes_max_ && !CutSlow(std::chrono::seconds(1))) return false;
  held_bytes_ += more;
  return true;
}

void HttpServer::Impl::Take(tcp::socket socket) {
  error_code failure;
  const auto endpoint = socket.remote_endpoint(failure);
  if (failure) return;
  const auto peer = endpoint.address().to_string();
  if (static_cast<int>(connections_.size()) >= options_.connections_max && !MakeRoom()) {
    HttpConnectionEnded{.cause = HttpEndCause::kTooMany, .peer = peer}.Emit();
    if (turned_away_ < kTurnedAwayMax) asio::co_spawn(context_, TurnAway(std::move(socket)), asio::detached);
    return;
  }
  socket.set_option(tcp::no_delay(true), failure);
  if (revoked_) revoked_->Refresh();
  if (tls_) {
    Start(TlsStream(beast::tcp_stream(std::move(socket)), *tls_), peer);
  } else {
    Start(beast::tcp_stream(std::move(socket)), peer);
  }
}

/// Says that there is no room. What the client sends meanwhile is taken off the socket: a close would answer it with a
/// reset, which discards the answer before the client has read it.
asio::awaitable<void> HttpServer::Impl::TurnAway(tcp::socket socket) {
  ++turned_away_;
  beast::tcp_stream stream(std::move(socket));
  stream.expires_after(kTurnedAwayTime);
  error_code failure;
  co_await asio::async_write(stream, asio::buffer(kBusy), asio::redirect_error(asio::use_awaitable, failure));
  if (!failure) stream.socket().shutdown(tcp::socket::shutdown_send, failure);
  std::array<char, 4096> sent;
  while (!failure && !draining_) {
    co_await stream.async_read_some(asio::buffer(sent), asio::redirect_error(asio::use_awaitable, failure));
  }
  --turned_away_;
}

template <typename Stream>
void HttpServer::Impl::Start(Stream stream, std::string peer) {
  const auto session = std::make_shared<HttpSession<Stream>>(*this, std::move(stream), std::move(peer));
  connections_.emplace(session.get(), true);
  CountOpen();
  asio::co_spawn(context_, HttpSession<Stream>::Serve(session), asio::detached);
}

void HttpServer::Impl::Waits(HttpConnection& connection) {
  if (draining_) return connection.Cut();
  Enlist(connection, connection.served ? idle_ : strangers_);
}

void HttpServer::Impl::Receives(HttpConnection& connection) { Enlist(connection, receiving_); }

void HttpServer::Impl::Enlist(HttpConnection& connection, std::list<HttpConnection*>& list) {
  connection.place = {&list, list.insert(list.end(), &connection), Clock::System().Steady()};
}

void HttpServer::Impl::Works(HttpConnection& connection) {
  if (!connection.place) return;
  connection.place->list->erase(connection.place->at);
  connection.place.reset();
}

void HttpServer::Impl::Left(HttpConnection& connection) {
  Works(connection);
  connections_.erase(&connection);
  CountOpen();
}

std::optional<HttpReply> HttpServer::Impl::Admit(HttpCall& call, std::optional<uint64_t> content_length,
                                                 const HttpRoute*& route) {
  if (auto refused = RefuseForm(call)) return refused;
  auto match = routes_.Find(call.method, call.path);
  call.route = match.route;
  if (guard_) {
    if (auto refused = guard_(call)) return refused;
  }
  if (match.route == nullptr && match.allowed.empty()) return ErrorReply(404, "there is nothing at this path");
  if (match.route == nullptr) {
    auto reply = ErrorReply(405, fmt::format("this path takes {}", Joined(match.allowed)));
    reply.headers.push_back({"Allow", Joined(match.allowed)});
    return reply;
  }
  if (content_length.value_or(0) > 0 && *content_length != std::numeric_limits<uint64_t>::max() &&
      *content_length > static_cast<uint64_t>(match.route->body_bytes_max)) {
    return ErrorReply(
        413, fmt::format("the body is larger than the {} bytes that are taken here", match.route->body_bytes_max));
  }
  const auto packed = FindHeader(call.headers, "Content-Encoding");
  if (packed && !match.route->takes_packed && !SameHeaderName(*packed, "identity"))
    return ErrorReply(415, "send the body without Content-Encoding");
  route = match.route;
  call.parameters = std::move(match.parameters);
  return std::nullopt;
}

std::optional<HttpReply> HttpServer::Impl::TakePlace(const HttpRoute& route) {
  auto& in_flight = in_flight_[&route];
  if (in_flight >= route.in_flight_max) {
    auto reply = ErrorReply(503, "as many requests as may are being answered; try again in a moment");
    reply.headers.push_back({"Retry-After", "1"});
    return reply;
  }
  ++in_flight;
  return std::nullopt;
}

void HttpServer::Impl::CountOpen() {
  open_ = static_cast<int>(connections_.size());
  Metrics::Process().Set(kHttpConnections, {}, static_cast<double>(connections_.size()));
}

void HttpServer::Impl::CutAll() {
  for (const auto& [connection, open] : connections_) connection->Cut();
}

void HttpServer::Impl::Stop(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return;
  asio::post(context_, [this] {
    draining_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    for (const auto* waiting : {&strangers_, &idle_}) {
      for (auto* connection : *waiting) connection->Cut();
    }
  });
  stop_.request_stop();
  if (ended_.get_future().wait_for(patience) != std::future_status::ready) {
    asio::post(context_, [this] { CutAll(); });
  }
  thread_.join();
}

HttpServer::HttpServer(HttpServerOptions options, const HttpRoutes& routes, Guard guard, Finish finish)
    : impl_(std::make_unique<Impl>(std::move(options), routes, std::move(guard), std::move(finish))) {}

HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return impl_->port(); }
int HttpServer::connections() const { return impl_->connections(); }
void HttpServer::Stop(std::chrono::milliseconds patience) { impl_->Stop(patience); }

}  // namespace millrace::io
