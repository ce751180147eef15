#include "batch.h"

#include "output_pins.h"
#include "uart.h"

#define ANSWERS 4096u /* a power of two, since counters wrap */
#define PIECE 512u    /* 45 ms at 115200 baud */
#define LARGEST_DIGIT 9

static char answers[ANSWERS];
static uint32_t noted, sent, reported;

void batch_note(int32_t people)
{
    answers[noted % ANSWERS] = (char)('0' + (people < LARGEST_DIGIT ? people : LARGEST_DIGIT));
    ++noted;
}

void batch_report(void)
{
    if (noted == reported) {
        return;
    }
    uart_text("BATCH ");
    uart_number(reported);
    uart_text(" ");
    uart_flush();
    reported = noted;
}

static uint32_t at_most(uint32_t number, uint32_t limit)
{
    return number < limit ? number : limit;
}

bool batch_send(void)
{
    if (sent == reported) {
        return false;
    }
    const uint32_t place = sent % ANSWERS;
    const uint32_t count = at_most(reported - sent, at_most(PIECE, ANSWERS - place));
    uart_send(&answers[place], count);
    sent += count;
    if (sent != reported) {
        return true;
    }
    uart_text("\n");
    uart_flush();
    output_pin_raise(RADIO_PIN);
    output_pin_lower(RADIO_PIN);
    return false;
}
