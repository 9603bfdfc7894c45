#include "io/ip_range.h"

#include <gtest/gtest.h>

namespace millrace::io {
namespace {

TEST(IpRange, KnowsWhatIsOfTheInternet) {
  for (const auto* address : {"8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2606:4700::1111",
                              "::ffff:8.8.8.8", "223.255.255.255"}) {
    EXPECT_TRUE(IsPublicAddress(address)) << address;
  }
  for (const auto* address : {"127.0.0.1",
                              "127.255.0.9",
                              "10.0.0.1",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.1.1",
                              "169.254.169.254",
                              "0.0.0.0",
                              "100.64.0.1",
                              "198.18.0.1",
                              "224.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "fe80::1",
                              "fe80::1%eth0",
                              "fc00::1",
                              "fd12:3456::1",
                              "ff02::1",
                              "::ffff:127.0.0.1",
                              "::ffff:169.254.169.254",
                              "::ffff:a00:1",
                              "64:ff9b::a00:1",
                              "2002:7f00:1::",
                              "2001::1",
                              "2001:db8::1",
                              "fec0::1",
                              "::127.0.0.1",
                              "fd00:ec2::254",
                              "",
                              "localhost",
                              "1.2.3"}) {
    EXPECT_FALSE(IsPublicAddress(address)) << address;
  }
}

TEST(IpRange, LoopbackIsThisMachineAlone) {
  for (const auto* host : {"localhost", "127.0.0.1", "127.8.0.1", "::1", "[::1]", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const auto* host : {"0.0.0.0", "::", "[::]", "127.0.0.1.example.org", "localhost.example.org", "127.1.example",
                           "10.0.0.1", "", "[]"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

TEST(IpRange, ContainsItsAddresses) {
  EXPECT_TRUE(IpRange::Parse("10.1.0.0/15")->Contains("10.0.255.255"));
  EXPECT_FALSE(IpRange::Parse("10.2.0.0/15")->Contains("10.1.255.255"));
  EXPECT_TRUE(IpRange::Parse("0.0.0.0/0")->Contains("1.2.3.4"));
  EXPECT_FALSE(IpRange::Parse("0.0.0.0/0")->Contains("2001:db8::1"));
  EXPECT_TRUE(IpRange::Parse("10.0.0.7")->Contains("::ffff:10.0.0.7"));
  EXPECT_TRUE(IpRange::Parse("2001:db8::/33")->Contains("2001:db8:7fff::1"));
  EXPECT_FALSE(IpRange::Parse("2001:db8::/33")->Contains("2001:db8:8000::1"));
  for (const auto* bad : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "x", "::/129", "10.0.0.0/8x"}) {
    EXPECT_FALSE(IpRange::Parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace millrace::io
