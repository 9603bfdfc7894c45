#pragma once

#include <string>

#include "base/clock.h"

namespace millrace::io {

struct Certificate {
  std::string subject;  // "CN=millrace.example"
  Timestamp not_before{};
  Timestamp not_after{};
};

/// The first certificate of a PEM file. Error kConfig when there is none.
Certificate ReadCertificate(const std::string& file);

/// Error kConfig when `key_file` (PEM) cannot be read or is of another certificate.
void RequireKeyOf(const std::string& certificate_file, const std::string& key_file);

}  // namespace millrace::io
