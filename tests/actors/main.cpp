// Policies as functions, and actors on a scheduler and a clock that the test moves.
#define BOOST_TEST_MODULE actors
#include <boost/test/unit_test.hpp>
