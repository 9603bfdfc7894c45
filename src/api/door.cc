#include "api/door.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/letter_case.h"
#include "io/ip_range.h"

namespace millrace::api {
namespace {

constexpr size_t kGoodMax = 4096;
/// A client may be wrong this often at once.
constexpr double kFailuresAtOnce = 10;

std::string AsHost(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

std::vector<std::string> HostsOf(const DoorOptions& options) {
  if (!io::IsLoopback(options.address) && options.hosts.empty()) return {};
  std::vector<std::string> hosts = {"localhost", "127.0.0.1", "[::1]", AsHost(options.address)};
  for (const auto& host : options.hosts) hosts.push_back(Lower(host));
  return hosts;
}

std::unique_ptr<RateLimit> LimitOf(double per_second) {
  if (per_second <= 0) return nullptr;
  return std::make_unique<RateLimit>(
      RateLimit::Options{.per_second = per_second, .burst = std::max(2 * per_second, 10.0)});
}

io::HttpReply ComeAgain(int status, std::chrono::seconds wait, std::string_view message) {
  auto reply = io::ErrorReply(status, message);
  reply.headers.push_back({"Retry-After", std::to_string(wait.count())});
  return reply;
}

io::HttpReply Challenge(std::string_view message, const char* challenge) {
  auto reply = io::ErrorReply(401, message);
  reply.headers.push_back({"WWW-Authenticate", challenge});
  return reply;
}

io::HttpReply NoKey() {
  return Challenge("send one of the tokens of server.tokens: Authorization: Bearer TOKEN", "Bearer realm=\"millrace\"");
}

io::HttpReply WrongKey(std::string_view why) {
  return Challenge(why, "Bearer realm=\"millrace\", error=\"invalid_token\"");
}

io::HttpReply WrongHost() {
  return io::ErrorReply(421, "this server does not go by that name; list it in server.hosts if it should");
}

io::HttpReply WrongPage() { return io::ErrorReply(403, "requests made by pages of other sites are not answered"); }

std::optional<io::HttpReply> Noted(io::HttpCall& call, std::optional<io::HttpReply> refusal) {
  call.refused = call.refused || refusal.has_value();
  return refusal;
}

}  // namespace

Door::Door(DoorOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      hosts_(HostsOf(options_)),
      failures_({.per_second = options_.failures_per_minute / 60, .burst = kFailuresAtOnce}),
      clients_(LimitOf(options_.client_requests_per_second)),
      good_(kGoodMax) {
  for (const auto& grant : options_.tokens) grants_.push_back({grant, LimitOf(grant.requests_per_second)});
}

bool Door::has_locks() const {
  return !grants_.empty() || !options_.certificates.empty() || options_.issuer != nullptr;
}

bool Door::KnowsHost(const io::HttpCall& call) const { return hosts_.empty() || HasHost(call, hosts_); }

const Door::Grant* Door::Find(const TokenHash& hash) const {
  const Grant* found = nullptr;
  for (const auto& each : grants_) {
    if (each.given.hash == hash) found = &each;
  }
  return found;
}

void Door::TakeCertificate(io::HttpCall& call) const {
  for (const auto& grant : options_.certificates) {
    if (std::ranges::find(call.certificate_names, grant.certificate_name) == call.certificate_names.end()) continue;
    if (call.caller.name.empty()) call.caller.name = grant.name;
    call.caller.roles.insert(call.caller.roles.end(), grant.roles.begin(), grant.roles.end());
  }
}

std::optional<io::HttpReply> Door::TakeToken(io::HttpCall& call, const Grant& grant) {
  const auto& given = grant.given;
  if (given.expires && *given.expires <= clock_.Now()) {
    return WrongKey(fmt::format("the token '{}' has expired; `millrace token new` makes another one", given.name));
  }
  if (grant.rate) {
    if (const auto wait = grant.rate->Take({}, clock_.Steady())) {
      return ComeAgain(429, *wait, "this token has made as many requests as it may; come again after Retry-After");
    }
  }
  call.caller = {.name = given.name, .roles = given.roles};
  return std::nullopt;
}

std::optional<io::HttpReply> Door::TakeIssued(io::HttpCall& call, std::string_view bearer) {
  auto answer = options_.issuer->Check(bearer);
  switch (answer.verdict) {
    case TokenIssuer::Verdict::kGood:
      call.caller = std::move(answer.caller);
      return std::nullopt;
    case TokenIssuer::Verdict::kAskAgain:
      return ComeAgain(503, std::chrono::seconds(1), answer.why);
    case TokenIssuer::Verdict::kWrong:
      break;
  }
  return WrongKey(answer.why);
}

/// A client that was wrong too often is told nothing of the token it shows, or it would go on guessing.
std::optional<io::HttpReply> Door::TakeBearer(io::HttpCall& call, std::string_view bearer) {
  const auto client = ClientOf(call.peer);
  const auto hash = TokenHash::Of(bearer);
  const auto here = client + " " + hash.sum;
  if (const auto wait = failures_.Wait(client, clock_.Steady())) {
    const std::lock_guard lock(mutex_);
    if (good_.Find(here) == nullptr) {
      return ComeAgain(429, *wait, "too many wrong tokens came from this address; come again after Retry-After");
    }
  }
  std::optional<io::HttpReply> refusal;
  if (const auto* grant = Find(hash)) {
    refusal = TakeToken(call, *grant);
  } else if (options_.issuer != nullptr && options_.issuer->MayBeItsOwn(bearer)) {
    refusal = TakeIssued(call, bearer);
  } else {
    refusal = WrongKey("this token is none of those that are known here");
  }
  if (refusal && refusal->status == 401) failures_.Take(client, clock_.Steady());
  if (!refusal) {
    const std::lock_guard lock(mutex_);
    good_.Put(here, true);
  }
  return refusal;
}

std::optional<io::HttpReply> Door::RefuseRole(const io::HttpCall& call, const io::HttpRoute* route) const {
  if (call.caller.name.empty()) {
    if (!call.certificate_names.empty() && !options_.certificates.empty()) {
      return io::ErrorReply(403, "this certificate is none of server.tls.clients");
    }
    return NoKey();
  }
  if (route == nullptr || Allows(call.caller.roles, route->role)) return std::nullopt;
  return io::ErrorReply(403,
                        fmt::format("'{}' may not do that: it needs the role '{}'", call.caller.name, route->role));
}

std::optional<io::HttpReply> Door::Look(io::HttpCall& call) {
  const bool open = call.route != nullptr && call.route->open;
  if (clients_ && !open) {
    if (const auto wait = clients_->Take(ClientOf(call.peer), clock_.Steady())) {
      return ComeAgain(429, *wait, "this address has made as many requests as it may; come again after Retry-After");
    }
  }
  if (!open && !KnowsHost(call)) return WrongHost();
  if (!IsFromOwnPage(call, call.route)) return WrongPage();
  if (!has_locks()) {
    call.caller = {.name = "anyone", .roles = AllRoles()};
    return std::nullopt;
  }
  TakeCertificate(call);
  if (const auto bearer = BearerOf(call)) {
    call.caller = {};
    auto refusal = TakeBearer(call, *bearer);
    // What is open stays so, to a stranger; but nobody learns there whether a guess was right.
    if (refusal && (!open || refusal->status == 429)) return refusal;
  }
  return open ? std::nullopt : RefuseRole(call, call.route);
}

std::optional<io::HttpReply> Door::Refuse(io::HttpCall& call) { return Noted(call, Look(call)); }

std::optional<io::HttpReply> Door::RefuseBehind(io::HttpCall& call, const io::HttpRoute& route) const {
  if (!KnowsHost(call)) return Noted(call, WrongHost());
  if (!IsFromOwnPage(call, &route)) return Noted(call, WrongPage());
  return has_locks() ? Noted(call, RefuseRole(call, &route)) : std::nullopt;
}

void AddSecurityHeaders(const io::HttpCall& call, io::HttpReply& reply) {
  const auto add = [&](const char* name, const char* value) {
    if (!io::FindHeader(reply.headers, name)) reply.headers.push_back({name, value});
  };
  add("X-Content-Type-Options", "nosniff");
  add("Cache-Control", "no-store");
  add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  add("Cross-Origin-Resource-Policy", "same-origin");
  add("Referrer-Policy", "no-referrer");
  if (call.tls) add("Strict-Transport-Security", "max-age=31536000");
}

}  // namespace millrace::api
