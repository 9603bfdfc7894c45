#pragma once

#include <chrono>
#include <map>
#include <string>
#include <variant>

#include "io/aws_credentials.h"

namespace millrace::catalog {

/// A token that somebody else keeps fresh, or that never expires.
struct BearerToken {
  std::string token;
};

/// Tokens for client credentials (RFC 6749, section 4.4).
struct OAuth2Options {
  std::string server_uri = {};  // empty: the catalogue's own /v1/oauth/tokens
  std::string client_id;
  std::string client_secret;
  std::string scope = "catalog";
  std::string audience = {};  // empty: not sent
  std::string resource = {};  // empty: not sent
};

/// Requests signed with AWS's Signature Version 4 (AWS Glue, S3 Tables, catalogues behind an API gateway).
struct SigV4Options {
  std::string signing_name = "execute-api";
  std::string signing_region;
  io::AwsCredentialsOptions credentials = {};
};

using RestAuthentication = std::variant<std::monostate, BearerToken, OAuth2Options, SigV4Options>;

struct RestCatalogOptions {
  std::string uri;             // what stands before /v1
  std::string warehouse = {};  // the server's name or location of one; empty: its own default
  std::string prefix = {};     // empty: what the server's configuration says
  std::map<std::string, std::string> headers = {};
  RestAuthentication authentication = {};
  std::chrono::milliseconds timeout{60'000};  // of one request
  bool vended_credentials = false;            // the catalogue is asked for credentials of each table's files
};

}  // namespace millrace::catalog
