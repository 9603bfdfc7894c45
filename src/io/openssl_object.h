#pragma once

#include <memory>

namespace millrace::io {

/// Frees what OpenSSL made: `OpensslObject<EVP_PKEY, &EVP_PKEY_free>`.
template <auto kFree>
struct OpensslFree {
  template <typename Object>
  void operator()(Object* object) const {
    kFree(object);
  }
};
template <typename Object, auto kFree>
using OpensslObject = std::unique_ptr<Object, OpensslFree<kFree>>;

}  // namespace millrace::io
