#pragma once

#include <string>

namespace millrace::connect {

/// A path.format of Joda time, `'year'=YYYY/'month'=MM`, as a time format of ours, `year=%Y/month=%m`. Empty, with
/// `why`, where there is none alike.
std::string TimeFormatOf(const std::string& joda, std::string& why);

/// The length of the shortest unit that a format of ours tells apart, in milliseconds; of none: 0.
long long ShortestUnit(const std::string& format);

}  // namespace millrace::connect
