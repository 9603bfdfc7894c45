// Any bytes, as a record of Kinesis and as the message inside an aggregated one: it is read or taken as a plain record.
#include "stream/kinesis/aggregate.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "io/digest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  millrace::stream::Unpack(input);
  size_t bytes = 0;
  for (const auto& record : millrace::stream::Unpack("\xF3\x89\x9A\xC2" + input + millrace::io::Md5(input))) {
    bytes += record.data.size();
  }
  if (bytes <= size) return 0;
  std::fprintf(stderr, "more came out than went in\n");
  std::abort();
}
