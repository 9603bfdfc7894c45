#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::io {

/// What a reference in an answer ("/next", "?page=2", "https://other/x") means beside the URL that was asked; nullopt
/// when it is no http or https URL, or holds a user name. A fragment is left out.
std::optional<std::string> ResolveUrl(const std::string& base, const std::string& reference);

/// "https://host:443" of an absolute URL, the port always there, lower case; empty when it is none.
std::string OriginOf(const std::string& url);

/// Whether a secret may be sent there: over TLS, or without leaving this machine. False for what is no http or https
/// URL, or holds a user name.
bool MaySendSecretsTo(const std::string& url);

/// The URL with `name=value` in its query; what stands there under that name goes.
std::string WithQueryValue(const std::string& url, std::string_view name, std::string_view value);

/// The URL without what its query has under that name.
std::string WithoutQueryValue(const std::string& url, std::string_view name);

/// The URL without user, query and fragment: what may be shown.
std::string ShownUrl(const std::string& url);

}  // namespace millrace::io
