#include "io/digest.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/error.h"

namespace millrace::io {
namespace {

TEST(DigestTest, HexComesBack) {
  const std::string bytes("\x00\x7f\xff\x10", 4);
  EXPECT_EQ(Hex(bytes), "007fff10");
  EXPECT_EQ(FromHex("007fff10"), bytes);
  EXPECT_EQ(FromHex("FF"), "\xff");
  EXPECT_THROW(FromHex("0"), Error);
  EXPECT_THROW(FromHex("0g"), Error);
}

TEST(DigestTest, Base64OfTheRfc) {
  // RFC 4648, section 10.
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"Zg==", "f"},
                                                         {"Zm8=", "fo"},
                                                         {"Zm9v", "foo"},
                                                         {"Zm9vYg==", "foob"},
                                                         {"Zm9vYmE=", "fooba"},
                                                         {"Zm9vYmFy", "foobar"}};
  for (const auto& [text, bytes] : vectors) {
    std::string decoded;
    EXPECT_TRUE(DecodeBase64(text, decoded)) << text;
    EXPECT_EQ(decoded, bytes);
  }
  std::string url;
  EXPECT_TRUE(DecodeBase64("-_-_", url));
  EXPECT_EQ(url, "\xFB\xFF\xBF");
  for (const auto* wrong : {"Z", "Zh==x", "Zm9v!", "Zm 9", "Zh", "====", "=", "ab=", "abc=d", " YWI=", "YWI= ", "YW\nI",
                            "YWJj====", "YWI=YWI="}) {
    std::string decoded;
    EXPECT_FALSE(DecodeBase64(wrong, decoded)) << wrong;
  }
}

TEST(DigestTest, Base64OfAnySizeComesBack) {
  std::string bytes;
  for (int size = 0; size < 40; ++size) {
    const auto padded = Base64(bytes);
    for (const auto& text : {padded, padded.substr(0, padded.find('='))}) {
      std::string decoded;
      EXPECT_TRUE(DecodeBase64(text, decoded)) << text;
      EXPECT_EQ(decoded, bytes);
    }
    bytes += static_cast<char>(size * 37);
  }
}

}  // namespace
}  // namespace millrace::io
