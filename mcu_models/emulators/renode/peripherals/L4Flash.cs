using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// FLASH of the STM32L4 and L4+ (RM0351 and RM0432, chapter 3) as far as reading goes: ACR keeps what is written,
    /// keys unlock CR and the option bytes. Wait states act through the rate of the firmware at a clock
    /// (CoreClock.SetRate), not here. Erasing and programming are not modelled.
    /// </summary>
    public class L4Flash : TimedRegisters
    {
        public L4Flash(IMachine machine, CoreClock core) : base(core)
        {
            SetResetValues();
        }

        public override void Reset()
        {
            base.Reset();
            SetResetValues();
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case Key:
                this[Control] = value == 0xCDEF89AB ? this[Control] & ~Lock : this[Control];
                break;
            case OptionKey:
                this[Control] = value == 0x4C5D6E7F ? this[Control] & ~OptionLock : this[Control];
                break;
            case Status:
                this[Status] &= ~value;
                break;
            case Control:
                this[Control] = Has(Control, Lock) ? this[Control] : value | (this[Control] & OptionLock);
                break;
            default:
                base.WriteDoubleWord(offset, value);
                break;
            }
        }

        private void SetResetValues()
        {
            this[0x00] = 0x600;
            this[Control] = Lock | OptionLock;
            this[0x20] = 0xFFEFF8AA;
        }

        private const long Key = 0x08;
        private const long OptionKey = 0x0C;
        private const long Status = 0x10;
        private const long Control = 0x14;
        private const uint Lock = 1u << 31;
        private const uint OptionLock = 1u << 30;
    }
}
