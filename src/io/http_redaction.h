#pragma once

#include <string>

#include "io/http_client.h"

namespace millrace::io {

/// A refusal's body without what was secret in the request: a peer, or a proxy before it, may say back what it was
/// sent, and what it says comes to stand in errors and logs. "***" stands for credentials of Authorization, for the
/// token of a short-lived AWS key, and for a client_secret of a form.
std::string WithoutSecretsOf(const HttpRequest& request, std::string body);

}  // namespace millrace::io
