using System;

using Antmicro.Renode.Logging;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// IWDG of the STM32L4 (RM0351, chapter 36): keys, prescaler, reload, window, the time that a write takes to arrive
    /// in the clock domain of the LSI, and the flag in RCC that says who has reset the chip. It goes on in Stop and
    /// Standby, as the option bytes have it unless changed. The reset itself comes where Renode's time sources meet next,
    /// up to a quantum after the counter has run out; firmware goes on until then.
    /// </summary>
    public class Iwdg : TimedRegisters
    {
        public Iwdg(CoreClock core, L4Rcc clocks, uint lsiHz = 32000) : base(core)
        {
            this.clocks = clocks;
            this.lsiHz = lsiHz;
            SetResetValues();
        }

        public override void Reset()
        {
            base.Reset();
            SetResetValues();
        }

        public override uint ReadDoubleWord(long offset)
        {
            return offset == Key ? 0 : base.ReadDoubleWord(offset);
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case Key:
                TakeKey(value & 0xFFFF);
                break;
            case Prescaler:
                Take(offset, value & 7, 1);
                break;
            case ReloadValue:
                Take(offset, value & Highest, 1u << 1);
                break;
            case Window:
                Take(offset, value & Highest, 1u << 2);
                break;
            }
        }

        private double TickNs => (4 << (int)Math.Min(this[Prescaler], 6)) * 1e9 / lsiHz;

        private void SetResetValues()
        {
            this[ReloadValue] = Highest;
            this[Window] = Highest;
            isUnlocked = false;
            isStarted = false;
        }

        private void Take(long offset, uint value, uint busy)
        {
            if(!isUnlocked)
            {
                this.Log(LogLevel.Warning, "register 0x{0:X} written without the key; hardware ignores it", offset);
                return;
            }
            this[offset] = value;
            this[Status] |= busy;
            After($"write 0x{offset:X}", WriteTicks * TickNs, () => Arrive(offset, busy));
        }

        private void Arrive(long offset, uint busy)
        {
            this[Status] &= ~busy;
            if(offset == Window && isStarted)
            {
                Refresh();
            }
        }

        private void TakeKey(uint key)
        {
            isUnlocked = key == Unlock;
            if(key == Start || (key == Reload && isStarted && Count <= this[Window]))
            {
                Refresh();
            }
            else if(key == Reload && isStarted)
            {
                Bite();
            }
        }

        private double Count => this[ReloadValue] - Math.Floor((Core.NowNs - refreshedNs) / TickNs);

        private void Refresh()
        {
            isStarted = true;
            refreshedNs = Core.NowNs;
            endNs = refreshedNs + (this[ReloadValue] + 1) * TickNs;
            // Firmware may refresh thousands of times a second: what is planned already asks for the end by itself.
            if(!(Core.DueNs(this, "end") <= endNs))
            {
                At("end", endNs, End);
            }
        }

        private void End()
        {
            if(endNs > Core.NowNs)
            {
                At("end", endNs, End);
            }
            else
            {
                Bite();
            }
        }

        private void Bite()
        {
            this.Log(LogLevel.Warning, "resets the chip");
            clocks.NoteReset(L4Rcc.WatchdogReset);
            Core.RequestReset();
        }

        private bool isUnlocked;
        private bool isStarted;
        private double refreshedNs;
        private double endNs;
        private readonly L4Rcc clocks;
        private readonly uint lsiHz;

        /// <summary>Periods of the prescaled clock until a write has arrived: RM0351, section 36.3.3.</summary>
        private const int WriteTicks = 5;
        private const long Key = 0x00;
        private const long Prescaler = 0x04;
        private const long ReloadValue = 0x08;
        private const long Status = 0x0C;
        private const long Window = 0x10;
        private const uint Highest = 0xFFF;
        private const uint Unlock = 0x5555;
        private const uint Reload = 0xAAAA;
        private const uint Start = 0xCCCC;
    }
}
