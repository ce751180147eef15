using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.GPIOPort;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// A GPIO port of STM32L4, F7 and H7 (RM0351, section 8.4): mode, output type, pulls, ODR, BSRR, BRR, and the level
    /// of each pin in IDR and on the connection of its number, for edge detectors and whatever hangs at the pin. What
    /// drives a pin from outside goes through OnGPIO. An open-drain pin that is let go is high unless driven low or
    /// pulled down: such lines have a pull-up outside. Alternate functions, the lock and speeds are not modelled.
    /// </summary>
    [AllowedTranslations(AllowedTranslation.ByteToDoubleWord | AllowedTranslation.WordToDoubleWord)]
    public class Gpio : BaseGPIOPort, IDoubleWordPeripheral, IKnownSize
    {
        public Gpio(IMachine machine, uint modeReset = 0xFFFFFFFF, uint speedReset = 0, uint pullReset = 0) : base(machine, Pins)
        {
            this.modeReset = modeReset;
            this.speedReset = speedReset;
            this.pullReset = pullReset;
            Array.Clear(words, 0, words.Length);
            SetResetValues();
        }

        public override void Reset()
        {
            // What drives the pins from outside does not reset with the chip.
            Array.Clear(words, 0, words.Length);
            SetResetValues();
            Settle();
        }

        public uint ReadDoubleWord(long offset)
        {
            if(offset == InputData)
            {
                return levels;
            }
            return offset == BitSet || offset == BitReset || offset / 4 >= words.Length ? 0 : words[offset / 4];
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            if(offset == BitSet)
            {
                Latch = (Latch & ~(value >> 16)) | (value & 0xFFFF);
            }
            else if(offset == BitReset)
            {
                Latch &= ~value;
            }
            else if(offset != InputData && offset / 4 < words.Length)
            {
                words[offset / 4] = value;
            }
            Settle();
        }

        public override void OnGPIO(int number, bool value)
        {
            if(!CheckPinNumber(number))
            {
                return;
            }
            driven |= 1u << number;
            drivenHigh = value ? drivenHigh | 1u << number : drivenHigh & ~(1u << number);
            Settle();
        }

        public long Size => 0x400;

        /// <summary>A pin that firmware drives has changed: its number, and whether it is an output at high level.</summary>
        public event Action<int, bool> OutputChanged;

        private void Settle()
        {
            var before = outputs;
            levels = 0;
            outputs = 0;
            for(var pin = 0; pin < Pins; pin++)
            {
                var bit = IsHigh(pin) ? 1u << pin : 0;
                levels |= bit;
                outputs |= ModeOf(pin) == Output ? bit : 0;
                State[pin] = bit != 0;
                Connections[pin].Set(bit != 0);
            }
            for(var pin = 0; pin < Pins && outputs != before; pin++)
            {
                if(((outputs ^ before) >> pin & 1) != 0)
                {
                    OutputChanged?.Invoke(pin, (outputs >> pin & 1) != 0);
                }
            }
        }

        private bool IsHigh(int pin)
        {
            var mode = ModeOf(pin);
            if(mode == Analogue)
            {
                return false;
            }
            var isLatched = (Latch >> pin & 1) != 0;
            if(mode == Output && !(isLatched && (words[OutputType / 4] >> pin & 1) != 0))
            {
                return isLatched;
            }
            if((driven >> pin & 1) != 0)
            {
                return (drivenHigh >> pin & 1) != 0;
            }
            var pull = words[Pull / 4] >> 2 * pin & 3;
            return pull == 1 || (mode == Output && pull == 0);
        }

        private uint ModeOf(int pin)
        {
            return words[0] >> 2 * pin & 3;
        }

        private void SetResetValues()
        {
            words[0] = modeReset;
            words[Speed / 4] = speedReset;
            words[Pull / 4] = pullReset;
        }

        private uint Latch
        {
            get { return words[OutputData / 4]; }
            set { words[OutputData / 4] = value; }
        }

        private uint levels;
        private uint outputs;
        private uint driven;
        private uint drivenHigh;
        private readonly uint modeReset;
        private readonly uint speedReset;
        private readonly uint pullReset;
        private readonly uint[] words = new uint[12];

        private const int Pins = 16;
        private const uint Output = 1;
        private const uint Analogue = 3;
        private const long OutputType = 0x04;
        private const long Speed = 0x08;
        private const long Pull = 0x0C;
        private const long InputData = 0x10;
        private const long OutputData = 0x14;
        private const long BitSet = 0x18;
        private const long BitReset = 0x28;
    }
}
