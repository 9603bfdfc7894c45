#include "catalog/rest/rest_auth.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "catalog/rest/oauth2_token.h"
#include "io/aws_credentials.h"
#include "io/aws_signer.h"

namespace millrace::catalog {
namespace {

constexpr const char* kAuthorization = "Authorization";

class NoAuth final : public RestAuth {
 public:
  void Authorize(io::HttpRequest&) override {}
  bool Renew(const io::HttpRequest&) override { return false; }
};

class BearerAuth final : public RestAuth {
 public:
  explicit BearerAuth(BearerToken token) : token_(std::move(token)) {}
  void Authorize(io::HttpRequest& request) override {
    request.headers.push_back({kAuthorization, "Bearer " + token_.token});
  }
  bool Renew(const io::HttpRequest&) override { return false; }

 private:
  const BearerToken token_;
};

class OAuth2Auth final : public RestAuth {
 public:
  OAuth2Auth(const OAuth2Options& options, io::HttpClient& http, const Clock& clock)
      : token_([options, &http, &clock] { return FetchToken(options, http, clock); }, clock) {}

  void Authorize(io::HttpRequest& request) override {
    request.headers.push_back({kAuthorization, "Bearer " + token_.Get()});
  }
  bool Renew(const io::HttpRequest& refused) override {
    for (const auto& header : refused.headers) {
      if (header.name == kAuthorization && header.value.starts_with("Bearer ")) token_.Forget(header.value.substr(7));
    }
    return true;
  }

 private:
  io::KeptToken token_;
};

class SigV4Auth final : public RestAuth {
 public:
  SigV4Auth(const SigV4Options& options, io::HttpClient& http, const Clock& clock)
      : signing_{.region = options.signing_region, .service = options.signing_name},
        credentials_(options.credentials, http),
        clock_(clock) {}

  void Authorize(io::HttpRequest& request) override {
    io::SignRequest(request, credentials_.Get(), signing_, clock_.Now());
  }
  bool Renew(const io::HttpRequest&) override {
    credentials_.Forget(credentials_.Get());
    return true;
  }

 private:
  const io::AwsSigning signing_;
  io::AwsCredentialsProvider credentials_;
  const Clock& clock_;
};

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;  // clang 16 deduces none by itself

}  // namespace

std::unique_ptr<RestAuth> MakeRestAuth(const RestAuthentication& authentication, const std::string& catalog_uri,
                                       io::HttpClient& http, const Clock& clock) {
  using Made = std::unique_ptr<RestAuth>;
  return std::visit(Overloaded{[](std::monostate) -> Made { return std::make_unique<NoAuth>(); },
                               [](const BearerToken& token) -> Made { return std::make_unique<BearerAuth>(token); },
                               [&](OAuth2Options options) -> Made {
                                 if (options.server_uri.empty()) options.server_uri = catalog_uri + "/v1/oauth/tokens";
                                 return std::make_unique<OAuth2Auth>(options, http, clock);
                               },
                               [&](const SigV4Options& options) -> Made {
                                 return std::make_unique<SigV4Auth>(options, http, clock);
                               }},
                    authentication);
}

}  // namespace millrace::catalog
