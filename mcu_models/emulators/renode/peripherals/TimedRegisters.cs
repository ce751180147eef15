using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// A bank of 32-bit registers that keep what is written, with events in virtual time: the common part of our
    /// models. Halfwords and bytes are read and written as parts of their word.
    /// </summary>
    [AllowedTranslations(AllowedTranslation.ByteToDoubleWord | AllowedTranslation.WordToDoubleWord)]
    public abstract class TimedRegisters : IDoubleWordPeripheral, IKnownSize
    {
        protected TimedRegisters(CoreClock core)
        {
            Core = core;
        }

        public virtual void Reset()
        {
            foreach(var slot in new List<string>(slots))
            {
                Cancel(slot);
            }
            words.Clear();
        }

        public virtual uint ReadDoubleWord(long offset)
        {
            return this[offset];
        }

        public virtual void WriteDoubleWord(long offset, uint value)
        {
            this[offset] = value;
        }

        public virtual long Size => 0x400;

        protected uint this[long offset]
        {
            get
            {
                uint word;
                return words.TryGetValue(offset, out word) ? word : 0;
            }

            set
            {
                words[offset] = value;
            }
        }

        protected bool Has(long offset, uint bits)
        {
            return (this[offset] & bits) == bits;
        }

        protected void At(string slot, double dueNs, Action action)
        {
            slots.Add(slot);
            Core.At(this, slot, dueNs, action);
        }

        protected void After(string slot, double delayNs, Action action)
        {
            At(slot, Core.NowNs + delayNs, action);
        }

        protected void Cancel(string slot)
        {
            Core.Cancel(this, slot);
        }

        protected CoreClock Core { get; }

        private readonly HashSet<string> slots = new HashSet<string>();
        private readonly Dictionary<long, uint> words = new Dictionary<long, uint>();
    }

    /// <summary>Says which clock a peripheral runs on.</summary>
    public interface IClockTree
    {
        /// <summary>Returns the kernel clock chosen for a peripheral by its base address; 0 while it stands still.</summary>
        double KernelHz(string peripheral);

        /// <summary>Some clock has changed.</summary>
        event Action ClocksChanged;
    }
}
